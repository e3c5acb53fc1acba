// The embedded stores: ledger.sqlite3 and mirror.sqlite3 in the data directory. This header needs
// no sqlite3.h.
#pragma once

#include <chrono>
#include <memory>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "runtime/clock.hpp"
#include "store/sqlite/data_directory.hpp"

namespace panier::store::sqlite {

class SharedConnection;

struct Settings {
  std::shared_ptr<const DataDirectory> dir; // the claim lives as long as the store
  // How long a writer waits for another one before store_conflict. Readers never wait. The mirror's
  // calls have their own timeout.
  std::chrono::milliseconds lock_wait{1000};
};

class SqliteLedgerStore final : public commit::LedgerStore {
public:
  // The ledger's clock is this process's wall clock. Connections may outlive the store, not the
  // clock.
  SqliteLedgerStore(Settings settings, const runtime::Clock& clock);

  [[nodiscard]] std::string_view name() const noexcept override { return "sqlite_ledger"; }
  // Also makes the file; a connection made before finds none and says store_unreachable.
  [[nodiscard]] Result<void> prepare() override;
  // Is there a file with anything in it? For who must not make it: verify.
  [[nodiscard]] bool is_set_up() const;
  [[nodiscard]] std::unique_ptr<commit::Ledger> connect() override;
  // All share one connection: while one lane writes its mirror, another has the ledger.
  [[nodiscard]] std::unique_ptr<commit::Ledger> connect_lane() override;
  // The directory's claim: no other process has a lane in this file.
  [[nodiscard]] bool exclusive() const noexcept override { return true; }

private:
  const Settings settings_;
  const runtime::Clock& clock_;
  const std::shared_ptr<SharedConnection> lanes_;
};

// Its file is made at the first use: an empty mirror is one that verify fills.
class SqliteMirrorStore final : public commit::MirrorStore {
public:
  explicit SqliteMirrorStore(Settings settings);

  [[nodiscard]] std::string_view name() const noexcept override { return "sqlite_mirror"; }
  [[nodiscard]] std::unique_ptr<commit::Mirror> connect() override;
  [[nodiscard]] std::unique_ptr<commit::Mirror> connect_lane() override;

private:
  const Settings settings_;
  const std::shared_ptr<SharedConnection> lanes_;
};

} // namespace panier::store::sqlite
