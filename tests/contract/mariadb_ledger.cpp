// The ledger's promises, kept by MariaDB on a real server.
#include "ledger_suite.hpp"
#include "mariadb_values.hpp"

namespace panier::contract {
namespace {

class MariadbUnderTest final : public LedgerUnderTest {
public:
  explicit MariadbUnderTest(MariadbServer& server)
      : store_(mariadb_settings(server, server.fresh_database())) {
    must(store_.prepare());
  }
  commit::LedgerStore& store() override { return store_; }

private:
  MariadbLedgerStore store_;
};

INSTANTIATE_TEST_SUITE_P(
    Mariadb, LedgerContract,
    testing::Values(LedgerFactory{
        .fresh = [] { return std::make_unique<MariadbUnderTest>(MariadbServer::shared()); },
        .row_locks = true}));

} // namespace
} // namespace panier::contract
