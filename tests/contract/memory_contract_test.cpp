// The stores in memory under the contract suites: what the lane's tests are built on promises what
// the real stores promise.
#include "ledger_suite.hpp"
#include "mirror_suite.hpp"
#include "support/manual_clock.hpp"
#include "support/memory_ledger.hpp"
#include "support/memory_mirror.hpp"

namespace panier::contract {
namespace {

class FreshLedger final : public LedgerUnderTest {
public:
  FreshLedger() { must(store_.prepare()); }
  commit::LedgerStore& store() override { return store_; }

private:
  test::ManualClock clock_;
  test::MemoryLedgerStore store_{clock_};
};

class FreshMirror final : public MirrorUnderTest {
public:
  commit::MirrorStore& store() override { return store_; }

private:
  test::MemoryMirrorStore store_{false};
};

INSTANTIATE_TEST_SUITE_P(Memory, LedgerContract, testing::Values(LedgerFactory{.fresh = [] {
                           return std::make_unique<FreshLedger>();
                         }}));
INSTANTIATE_TEST_SUITE_P(Memory, MirrorContract, testing::Values(MirrorFactory{.fresh = [] {
                           return std::make_unique<FreshMirror>();
                         }}));

} // namespace
} // namespace panier::contract
