// Asks one store twice a second whether it lives, on a connection of its own, and keeps its
// StoreState true: this is how a store that went is known to be back, without a restart and without
// a client's request paying for the try.
#pragma once

#include <memory>
#include <thread>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "runtime/store_state.hpp"

namespace panier::upkeep {

class LedgerProbe {
public:
  // `prepared`: the schema is known to be up to date; otherwise the probe prepares it as soon as
  // the store answers, and writes are refused with a notice until then.
  LedgerProbe(const runtime::Clock& clock, commit::LedgerStore& store, runtime::StoreState& state,
              bool prepared);
  // One question. Public for tests; the thread calls it.
  void run_once();
  void start();
  void stop();

private:
  bool prepare();

  // set once
  const runtime::Clock& clock_;
  commit::LedgerStore& store_;
  runtime::StoreState& state_;
  const std::unique_ptr<commit::Ledger> ledger_;
  // the probe's thread alone
  bool prepared_;
  std::jthread thread_;
};

class MirrorProbe {
public:
  MirrorProbe(const runtime::Clock& clock, commit::MirrorStore& store, runtime::StoreState& state);
  void run_once();
  void start();
  void stop();

private:
  // Without the unique index two documents of one user are possible, so no strict write is
  // acknowledged.
  [[nodiscard]] Result<void> check_index();

  // set once
  const runtime::Clock& clock_;
  runtime::StoreState& state_;
  const std::unique_ptr<commit::Mirror> mirror_;
  // the probe's thread alone
  runtime::SteadyTime index_checked_{};
  bool index_known_ = false;
  std::jthread thread_;
};

} // namespace panier::upkeep
