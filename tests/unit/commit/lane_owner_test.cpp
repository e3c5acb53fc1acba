// Several lanes on one cart: who is listed is parked for, who is dead is aborted, nobody finishes
// another's work.
#include <future>

#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class LaneOwnerTest : public House {
protected:
  void SetUp() override { make_cart(*one_, "u"); }
  // One has reserved, and is not heard of again.
  Asked reserved_by_one(int quantity = 10) {
    const auto asked = ask(*one_, add("u", "a", quantity));
    EXPECT_EQ(one_->lane.run_once(), Lane::Did::worked);
    return asked;
  }
  void look_at_lists() {
    auto stores = upkeep_stores();
    upkeep::AbandonedLists lists(stores);
    EXPECT_TRUE(lists.run_once());
  }
  std::unique_ptr<Instance> one_ = start("one", 1);
  std::unique_ptr<Instance> two_ = start("two", 2);
};

TEST_F(LaneOwnerTest, AnExpiredListIsAbortedAndItsOwnerAnswersWithAnError) {
  const auto asked = reserved_by_one();
  look_at_lists();
  EXPECT_TRUE(ledger_.state().lanes.at({"one", 0}).token) << "not expired yet";
  clock_.advance(commit::Timing{}.reservation_ttl);
  look_at_lists();
  EXPECT_FALSE(ledger_.state().lanes.at({"one", 0}).token);
  settle(*one_);
  EXPECT_EQ(asked.outcome(), "ledger_unavailable");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 11)}) << "until the lag is repaired";
  repair();
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AClockSetBackParksACartNoLongerThanAReservationsLife) {
  (void)reserved_by_one();
  auto stores = upkeep_stores();
  upkeep::AbandonedLists lists(stores);
  ASSERT_TRUE(lists.run_once());
  clock_.advance(commit::Timing{}.reservation_ttl);
  clock_.set_wall(clock_.wall() - 1h);
  ASSERT_TRUE(lists.run_once());
  EXPECT_FALSE(ledger_.state().lanes.at({"one", 0}).token);
  settle(*one_);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AbortedInFlightCartsBecomeLagAndKeepTheirContent) {
  policy_ = Policy::available;
  mirror_.faults.fail_next(MirrorCall::write, {timed_out()});
  const auto asked = reserved_by_one();
  EXPECT_EQ(asked.outcome(), "ok");
  clock_.advance(commit::Timing{}.reservation_ttl);
  look_at_lists();
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 11)});
  EXPECT_EQ(ledger_.state().lag.size(), 1U);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, ARestartUnderTheSameNameAbortsWhatItFinds) {
  (void)reserved_by_one();
  auto again = start("one", 3);
  const auto asked = ask(*again, add("u"));
  EXPECT_EQ(again->lane.run_once(), Lane::Did::again) << "the stranger's list first";
  settle(*again);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
  EXPECT_FALSE(one_->queue.depth() == 0);
  settle(*one_); // the first one wakes up: its token is gone
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AStrangersListThatIsRefusedIsNoOutageOfTheLedger) {
  (void)reserved_by_one();
  ledger_.refuse_rows([](const commit::CartRow& row) { return row.user == user("u"); });
  auto again = start("one", 3);
  const auto asked = ask(*again, add("v"));
  EXPECT_EQ(again->lane.run_once(), Lane::Did::waiting);
  EXPECT_FALSE(ledger_state_.down());
  ledger_.refuse_rows(nullptr);
  settle(*again);
  EXPECT_EQ(asked.outcome(), "ok");
  settle(*one_);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, ALateOwnerNeverClearsTheListOfTheOneThatTookItsRow) {
  const auto lost = reserved_by_one();
  auto again = start("one", 3);
  const auto asked = ask(*again, add("u"));
  (void)again->lane.run_once(); // aborts
  (void)again->lane.run_once(); // reserves
  settle(*one_, 3);             // finds a stranger's token: aborts it in turn, and is told
  settle(*again);
  settle(*one_);
  EXPECT_NE(lost.outcome(), "ok");
  EXPECT_NE(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AParkedCartGoesOnAfterItsOwnerHasSettled) {
  const auto first = reserved_by_one();
  const auto parked = ask(*two_, add("u"));
  const auto other = ask(*two_, add("v"));
  (void)two_->lane.run_once();
  (void)two_->lane.run_once();
  EXPECT_EQ(other.outcome(), "ok") << "the others go on";
  EXPECT_FALSE(parked.answered());
  settle(*one_);
  EXPECT_EQ(first.outcome(), "ok");
  EXPECT_EQ(two_->lane.run_once(), Lane::Did::nothing) << "not before its time";
  clock_.advance(commit::park_retry_max);
  settle(*two_);
  EXPECT_EQ(parked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 12)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AParkedCartAnswersBusyAtItsDeadline) {
  const auto first = reserved_by_one();
  const auto parked = ask(*two_, add("u"));
  for (auto waited = 0ms; waited < commit::Timing{}.request_timeout; waited += 100ms) {
    (void)two_->lane.run_once();
    EXPECT_FALSE(parked.answered());
    clock_.advance(100ms);
  }
  two_->queue.expire_due(clock_.steady());
  EXPECT_EQ(parked.outcome(), "cart_busy");
  settle(*two_);
  settle(*one_);
  EXPECT_EQ(first.outcome(), "ok") << "nobody aborted it, so its owner may still settle";
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 11)});
}

TEST_F(LaneOwnerTest, ALaneThatStopsDoesNotWaitForWhatWasAnsweredWhileParked) {
  (void)reserved_by_one();
  const auto parked = ask(*two_, add("u"));
  (void)two_->lane.run_once();
  clock_.advance(commit::Timing{}.request_timeout - 1s);
  settle(*two_); // beats
  clock_.advance(1s);
  two_->queue.expire_due(clock_.steady());
  EXPECT_EQ(parked.outcome(), "cart_busy");
  two_->queue.close();
  std::atomic<bool> give_up{false};
  auto ended = std::async(std::launch::async, [&] { two_->lane.run(give_up); });
  EXPECT_EQ(ended.wait_for(5s), std::future_status::ready);
  give_up = true;
}

TEST_F(LaneOwnerTest, OneListThatCannotBeAbortedDoesNotKeepTheOthers) {
  (void)reserved_by_one();
  (void)ask(*two_, add("v"));
  (void)two_->lane.run_once();
  clock_.advance(commit::Timing{}.reservation_ttl);
  ledger_.refuse_rows([](const commit::CartRow& row) { return row.user == user("u"); });
  auto stores = upkeep_stores();
  upkeep::AbandonedLists lists(stores);
  EXPECT_FALSE(lists.run_once()) << "told";
  EXPECT_TRUE(ledger_.state().lanes.at({"one", 0}).token);
  EXPECT_FALSE(ledger_.state().lanes.at({"two", 0}).token);
  ledger_.refuse_rows(nullptr);
  EXPECT_TRUE(lists.run_once());
  EXPECT_FALSE(ledger_.state().lanes.at({"one", 0}).token);
  settle(*one_);
  settle(*two_);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, ThePolicyMaySwitchWhileABatchIsOutstanding) {
  const auto strict = reserved_by_one();
  policy_ = Policy::available;
  const auto available = ask(*one_, add("u"));
  EXPECT_EQ(one_->lane.run_once(), Lane::Did::worked);
  EXPECT_EQ(strict.outcome(), "ok");
  EXPECT_EQ(available.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 12)});
  policy_ = Policy::strict;
  const auto again = ask(*one_, add("u"));
  settle(*one_);
  EXPECT_EQ(again.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 13)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, WritesForAParkedCartKeepTheirOrder) {
  const auto first = reserved_by_one();
  const auto parked = ask(*two_, add("u", "b", 1));
  (void)two_->lane.run_once();
  const auto behind = ask(*two_, operation(OperationKind::empty, "u"));
  (void)two_->lane.run_once();
  settle(*one_);
  clock_.advance(commit::park_retry_max);
  settle(*two_);
  EXPECT_EQ(first.outcome(), "ok");
  EXPECT_LT(parked.receipt().outcome.version, behind.receipt().outcome.version);
  EXPECT_TRUE(ledger_lines("u").empty());
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, ACartLockedByAHalfOpenConnectionStaysListedAndTheOthersAreSettled) {
  const auto locked = reserved_by_one();
  const auto half_open = ledger_.connect();
  ASSERT_TRUE(half_open->open({.lane = {}, .wanted = {{user("u"), {}}}, .keys = {}}));
  const auto other = ask(*one_, add("v"));
  (void)one_->lane.run_once();
  (void)one_->lane.run_once();
  EXPECT_EQ(other.outcome(), "ok");
  EXPECT_FALSE(locked.answered());
  half_open->rollback();
  settle(*one_);
  EXPECT_EQ(locked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 11)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, AVersionThatChangedUnderItsReservationIsNotOverwritten) {
  const auto asked = reserved_by_one();
  ledger_.edit([](MemoryLedgerStore::State& state) {
    ++state.carts.at(user("u")).cart.version; // a hand edit
  });
  settle(*one_);
  EXPECT_EQ(asked.outcome(), "internal");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneOwnerTest, TwoInstancesOnOneCartLoseNoAcknowledgedWrite) {
  constexpr int rounds = 400;
  std::vector<Asked> asked;
  for (int i = 0; i < rounds; ++i) {
    auto& instance = i % 2 == 0 ? *one_ : *two_;
    asked.push_back(ask(instance, add("u")));
    (void)instance.lane.run_once();
    if (i % 3 == 0) (void)instance.lane.run_once();
    clock_.advance(7ms);
  }
  for (int i = 0; i < 200; ++i) {
    settle(*one_);
    settle(*two_);
    clock_.advance(20ms);
  }
  const auto acknowledged = std::ranges::count_if(asked, &Asked::ok);
  EXPECT_EQ(acknowledged, rounds) << "no store failed, nobody's deadline passed";
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1 + static_cast<int>(acknowledged))});
  EXPECT_EQ(differences(), "");
}

// The same with a thread for each, so that a sanitizer sees the queue, the lanes and the answers.
TEST_F(LaneOwnerTest, TwoThreadsOnOneCartLoseNoAcknowledgedWrite) {
  constexpr int writes = 300;
  std::array<Instance*, 2> instances{one_.get(), two_.get()};
  std::vector<Asked> asked;
  for (int i = 0; i < writes; ++i)
    asked.push_back(ask(*instances[static_cast<std::size_t>(i % 2)], add("u")));
  {
    std::vector<std::jthread> threads;
    for (auto* instance : instances) {
      threads.emplace_back([this, instance] {
        for (int i = 0; i < 100'000 && instance->queue.depth() > 0; ++i) {
          if (instance->lane.run_once() != Lane::Did::worked) clock_.advance(1ms);
          instance->queue.expire_due(clock_.steady());
        }
      });
    }
  }
  settle(*one_);
  settle(*two_);
  const auto acknowledged = std::ranges::count_if(asked, &Asked::ok);
  EXPECT_GT(acknowledged, 0);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1 + static_cast<int>(acknowledged))});
  repair();
  EXPECT_EQ(differences(), "");
}

} // namespace
} // namespace panier::test
