// The SQLite ledger and mirror under the contract suites.
#include "ledger_suite.hpp"
#include "mirror_suite.hpp"
#include "sqlite_fixture.hpp"

namespace panier::contract {
namespace {

class FreshLedger final : public LedgerUnderTest {
public:
  FreshLedger() : store_(sqlite_settings(directory_), clock_) { must(store_.prepare()); }
  commit::LedgerStore& store() override { return store_; }

private:
  TemporaryDirectory directory_;
  runtime::SystemClock clock_;
  store::sqlite::SqliteLedgerStore store_;
};

class FreshMirror final : public MirrorUnderTest {
public:
  FreshMirror() : store_(sqlite_settings(directory_)) {}
  commit::MirrorStore& store() override { return store_; }

private:
  TemporaryDirectory directory_;
  store::sqlite::SqliteMirrorStore store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerContract,
                         testing::Values(LedgerFactory{
                             .fresh = [] { return std::make_unique<FreshLedger>(); },
                             .row_locks = false}));
INSTANTIATE_TEST_SUITE_P(Sqlite, MirrorContract, testing::Values(MirrorFactory{.fresh = [] {
                           return std::make_unique<FreshMirror>();
                         }}));

} // namespace
} // namespace panier::contract
