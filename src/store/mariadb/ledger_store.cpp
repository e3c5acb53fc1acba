#include "store/mariadb/ledger_store.hpp"

#include "store/mariadb/ledger.hpp"
#include "store/mariadb/schema.hpp"

namespace panier::store::mariadb {

MariadbLedgerStore::MariadbLedgerStore(Settings settings)
    : settings_(std::move(settings)), resolver_(std::make_shared<Resolver>(settings_.host)) {}

MariadbLedgerStore::~MariadbLedgerStore() = default;

Result<void> MariadbLedgerStore::prepare() {
  Settings patient = settings_;
  patient.read_timeout = settings_.schema_timeout;
  Session session(std::move(patient), resolver_);
  return bring_schema_up_to_date(session, For::service);
}

std::unique_ptr<commit::Ledger> MariadbLedgerStore::connect() {
  return std::make_unique<MariadbLedger>(settings_, resolver_);
}

} // namespace panier::store::mariadb
