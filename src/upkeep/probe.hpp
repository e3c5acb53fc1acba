// Asks one store twice a second whether it lives, and once more as soon as somebody else finds it
// down, on a connection of its own, and keeps its StoreState true: this is how a store that went is
// known to be back, without a restart and without a client's request paying for the try. The probes
// ask for more than an answer (a majority, the right ledger), so what is down is brought up by them
// alone.
#pragma once

#include <memory>
#include <thread>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "runtime/store_state.hpp"
#include "upkeep/lost_ledger.hpp"

namespace panier::upkeep {

class LedgerProbe {
public:
  // `prepared`: the schema is known to be up to date; otherwise the probe prepares it as soon as
  // the store answers, and writes are refused with a notice until then.
  // `mirror`: asked, while the ledger has no cart, whether it was lost (lost_ledger.hpp); nullptr:
  // there is none.
  LedgerProbe(const runtime::Clock& clock, commit::LedgerStore& store, runtime::StoreState& state,
              bool prepared, commit::MirrorStore* mirror);
  // One question. Public for tests; the thread calls it.
  void run_once();
  void start();
  void request_stop() { thread_.request_stop(); }
  void stop();

private:
  bool prepare();
  [[nodiscard]] bool ask();
  // Keeps the notice. false: the ledger did not say.
  [[nodiscard]] bool look_whether_lost();

  // set once
  const runtime::Clock& clock_;
  commit::LedgerStore& store_;
  runtime::StoreState& state_;
  const std::unique_ptr<commit::Ledger> ledger_;
  const std::unique_ptr<commit::Mirror> mirror_; // may be nullptr
  // the probe's thread alone
  bool prepared_;
  Lost::Is last_look_ = Lost::Is::no;
  std::jthread thread_;
};

class MirrorProbe {
public:
  // `timeout`: the lanes' own for the mirror. With a shorter one, a mirror that they still write to
  // would be called down.
  MirrorProbe(const runtime::Clock& clock, commit::MirrorStore& store, runtime::StoreState& state,
              commit::Mirror::Timeout timeout);
  void run_once();
  void start();
  void request_stop() { thread_.request_stop(); }
  void stop();

private:
  // Without the unique index two documents of one user are possible, so no strict write is
  // acknowledged.
  [[nodiscard]] Result<void> check_index();

  // set once
  const runtime::Clock& clock_;
  runtime::StoreState& state_;
  const std::unique_ptr<commit::Mirror> mirror_;
  const commit::Mirror::Timeout timeout_;
  // the probe's thread alone
  runtime::SteadyTime index_checked_{};
  bool index_known_ = false;
  bool first_ = true;
  std::jthread thread_;
};

} // namespace panier::upkeep
