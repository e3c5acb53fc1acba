// The ledger in MariaDB 10.6 or later.
#pragma once

#include <memory>

#include "commit/ports/ledger.hpp"
#include "store/mariadb/settings.hpp"

namespace panier::store::mariadb {

class Resolver;

class MariadbLedgerStore final : public commit::LedgerStore {
public:
  explicit MariadbLedgerStore(Settings settings);
  ~MariadbLedgerStore() override;

  [[nodiscard]] std::string_view name() const noexcept override { return "mariadb"; }
  // Several instances may do this at once. Beside schema_unmigrated: store_denied (a server older
  // than 10.6, or no right to create tables), store_conflict (another instance takes too long),
  // store_unreachable, store_timeout.
  Result<void> prepare() override;
  std::unique_ptr<commit::Ledger> connect() override;
  [[nodiscard]] bool exclusive() const noexcept override { return false; }

private:
  const Settings settings_;
  const std::shared_ptr<Resolver> resolver_; // of all connections, which may outlive the store
};

} // namespace panier::store::mariadb
