// abort_lists(): one transaction that changes all of a list, or nothing of it.
#include "commit/abort.hpp"
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

using commit::abort_lists;
using commit::AbortGround;
using What = commit::AbortResult::What;

class AbortTest : public House {
protected:
  void SetUp() override {
    make_cart(*instance_, "u");
    make_cart(*instance_, "v");
    const std::vector asked{ask(*instance_, add("u")), ask(*instance_, add("v"))};
    ASSERT_EQ(instance_->lane.run_once(), Lane::Did::worked);
    seen_ = ledger_.state().lanes.at({"one", 0});
    before_ = ledger_.state().carts;
  }
  What abort(AbortGround ground) {
    const auto result = abort_lists(*connection_, *seen_, ground, commit::Token({77}));
    return result.value().what;
  }
  bool unchanged() {
    const auto now = ledger_.state();
    return now.lag.empty() && std::ranges::equal(now.carts, before_, [](auto& a, auto& b) {
             return a.second.cart == b.second.cart && a.second.token == b.second.token;
           });
  }

  std::unique_ptr<Instance> instance_ = start("one");
  std::unique_ptr<commit::Ledger> connection_ = ledger_.connect();
  std::optional<commit::LaneRow> seen_;
  std::map<UserId, commit::CartRow> before_;
};

TEST(NextVersion, AboveTheGreatestThereIsNothing) {
  constexpr auto greatest = std::numeric_limits<cart::Version>::max();
  EXPECT_EQ(commit::next_version({}, 1, greatest), greatest);
  EXPECT_EQ(commit::next_version({}, 1, greatest - 1), greatest);
}

TEST_F(AbortTest, EveryCartKeepsItsContentUnderAVersionAboveTheListedOne) {
  clock_.set_wall(clock_.wall() - 1h); // the versions come from the list, not from a clock
  EXPECT_EQ(abort(AbortGround::unseen), What::aborted);
  const auto now = ledger_.state();
  for (const auto& listed : seen_->reserved) {
    const auto& row = now.carts.at(listed.user);
    EXPECT_GT(row.cart.version, listed.version);
    EXPECT_EQ(row.cart.lines, before_.at(listed.user).cart.lines);
    EXPECT_EQ(row.updated_at, before_.at(listed.user).updated_at) << "an abort is no touch";
    EXPECT_EQ(row.token, commit::Token({77}));
    EXPECT_EQ(now.lag.at(listed.user), row.cart.version);
  }
  const auto& row = now.lanes.at({"one", 0});
  EXPECT_FALSE(row.token);
  EXPECT_TRUE(row.reserved.empty());
  EXPECT_EQ(row.last_batch, seen_->last_batch) << "its owner may still ask for it";
}

TEST_F(AbortTest, ExpiryIsReadAgainUnderTheLock) {
  EXPECT_EQ(abort(AbortGround::expired), What::changed);
  EXPECT_TRUE(unchanged());
  clock_.advance(commit::Timing{}.reservation_ttl);
  EXPECT_EQ(abort(AbortGround::expired), What::aborted);
}

TEST_F(AbortTest, AnotherTokenByThenIsLeftAlone) {
  settle(*instance_);
  before_ = ledger_.state().carts;
  EXPECT_EQ(abort(AbortGround::unseen), What::changed);
  EXPECT_TRUE(unchanged());
}

TEST_F(AbortTest, ALockedCartLeavesTheWholeListForLater) {
  const auto other = ledger_.connect();
  ASSERT_TRUE(other->open({.lane = {}, .wanted = {{user("v"), {}}}, .keys = {}}));
  EXPECT_EQ(abort(AbortGround::unseen), What::busy);
  EXPECT_TRUE(unchanged());
  other->rollback();
  EXPECT_EQ(abort(AbortGround::unseen), What::aborted);
}

TEST_F(AbortTest, TwiceIsOnce) {
  EXPECT_EQ(abort(AbortGround::unseen), What::aborted);
  before_ = ledger_.state().carts;
  EXPECT_EQ(abort(AbortGround::unseen), What::changed);
}

} // namespace
} // namespace panier::test
