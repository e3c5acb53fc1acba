// Every write is answered exactly once, whatever happens to the queue or the lane.
#include <atomic>
#include <future>
#include <thread>

#include "bench.hpp"
#include "commit/write_queue.hpp"

namespace panier::commit::test {
namespace {

using namespace std::chrono_literals;

struct Queued {
  std::shared_ptr<std::vector<Result<Receipt>>> answers =
      std::make_shared<std::vector<Result<Receipt>>>();
  PendingWritePtr write;
};

Queued queued(runtime::SteadyTime deadline, std::string_view who = "u") {
  Queued made;
  made.write =
      std::make_shared<PendingWrite>(WriteRequest{{.kind = OperationKind::create,
                                                   .user = user(who),
                                                   .line = {},
                                                   .quantity = {},
                                                   .if_match = {}},
                                                  {}},
                                     deadline, [answers = made.answers](Result<Receipt> result) {
                                       answers->push_back(std::move(result));
                                     });
  return made;
}

const runtime::SteadyTime start{1'000s};

std::vector<PendingWritePtr> take(WriteQueue& queue, std::size_t operations) {
  return queue.take(0, {}, {.operations = operations, .carts = 100}, runtime::SteadyTime::min());
}

TEST(WriteQueue, AFullQueueTakesNoMoreUntilSomebodyIsAnswered) {
  WriteQueue queue(1, 2);
  auto one = queued(start);
  auto two = queued(start);
  auto three = queued(start);
  EXPECT_TRUE(queue.push(one.write));
  EXPECT_TRUE(queue.push(two.write));
  EXPECT_EQ(queue.push(three.write).error().code, Errc::overloaded);
  ASSERT_EQ(take(queue, 1).size(), 1U);
  EXPECT_EQ(queue.push(three.write).error().code, Errc::overloaded) << "taken is not answered";
  one.write->answer(Receipt{});
  EXPECT_TRUE(queue.push(three.write));
}

TEST(WriteQueue, PastItsDeadlineAQueuedWriteIsDroppedNotExecuted) {
  WriteQueue queue(1, 10);
  auto old = queued(start + 1s);
  ASSERT_TRUE(queue.push(old.write));
  queue.expire_due(start + 1s);
  EXPECT_EQ(old.answers->at(0).error().code, Errc::overloaded);
  EXPECT_TRUE(take(queue, 10).empty());
}

TEST(WriteQueue, PastItsDeadlineInTheLanesHandsTheOutcomeIsUnknown) {
  WriteQueue queue(1, 10);
  auto held = queued(start + 1s);
  ASSERT_TRUE(queue.push(held.write));
  ASSERT_EQ(take(queue, 10).size(), 1U);
  queue.expire_due(start + 2s);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::outcome_unknown);
  EXPECT_FALSE(held.write->answer(Receipt{}));
  EXPECT_EQ(held.answers->size(), 1U);
}

// The lane expires it; but whoever watches the deadlines may be faster.
TEST(WriteQueue, PastItsDeadlineBeforeALaneHasItItIsNeverUndecided) {
  WriteQueue queue(1, 10);
  auto late = queued(start + 1s);
  ASSERT_TRUE(queue.push(late.write));
  const auto given = queue.take(0, {}, {.operations = 10, .carts = 100}, start + 1s);
  ASSERT_EQ(given, std::vector{late.write});
  queue.expire_due(start + 1s);
  EXPECT_EQ(late.answers->at(0).error().code, Errc::overloaded);
}

TEST(WriteQueue, AWriteGivenBackWasCertainlyNotDone) {
  WriteQueue queue(1, 10);
  auto held = queued(start + 1s);
  ASSERT_TRUE(queue.push(held.write));
  queue.put_back(0, take(queue, 10));
  queue.expire_due(start + 2s);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::overloaded);
}

TEST(WriteQueue, WhatIsPutBackComesFirst) {
  WriteQueue queue(1, 10);
  auto one = queued(start);
  auto two = queued(start);
  ASSERT_TRUE(queue.push(one.write));
  auto taken = take(queue, 10);
  ASSERT_TRUE(queue.push(two.write));
  queue.put_back(0, std::move(taken));
  EXPECT_EQ(take(queue, 10), (std::vector{one.write, two.write}));
}

TEST(WriteQueue, ClosedItTakesNoMoreAndTheRestIsAnswered) {
  WriteQueue queue(1, 10);
  auto waiting = queued(start);
  auto held = queued(start);
  ASSERT_TRUE(queue.push(held.write));
  ASSERT_EQ(take(queue, 1).size(), 1U);
  ASSERT_TRUE(queue.push(waiting.write));
  queue.close();
  EXPECT_EQ(queue.push(queued(start).write).error().code, Errc::shutting_down);
  queue.answer_rest();
  EXPECT_EQ(waiting.answers->at(0).error().code, Errc::shutting_down);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::outcome_unknown);
}

// ---- several lanes

struct TwoLanes {
  WriteQueue queue{2, 100};
  PendingWritePtr push(std::string_view who) {
    auto made = queued(start + 1h, who);
    EXPECT_TRUE(queue.push(made.write));
    kept.push_back(made);
    return made.write;
  }
  std::vector<PendingWritePtr> take(std::size_t lane, std::vector<UserId> in_hand = {},
                                    std::size_t carts = 100) {
    return queue.take(lane, std::move(in_hand), {.operations = 100, .carts = carts},
                      runtime::SteadyTime::min());
  }
  std::vector<Queued> kept;
};
using Taken = std::vector<PendingWritePtr>;

TEST(WriteQueue, WhicheverLaneComesFirstTakesWhatIsQueued) {
  TwoLanes of;
  const auto a = of.push("a"), b = of.push("b");
  EXPECT_EQ(of.take(1), (Taken{a, b}));
  EXPECT_EQ(of.take(0), Taken{});
}

TEST(WriteQueue, AWriteFollowsItsCart) {
  TwoLanes of;
  const auto first = of.push("a");
  EXPECT_EQ(of.take(1), Taken{first});
  const auto second = of.push("a"), other = of.push("b");
  EXPECT_EQ(of.take(0), Taken{other}) << "lane 1 has the cart in hand";
  EXPECT_EQ(of.take(1, {user("a")}), Taken{second});
}

TEST(WriteQueue, ACartThatIsDoneIsAnyonesAgain) {
  TwoLanes of;
  of.push("a");
  ASSERT_EQ(of.take(1).size(), 1U);
  ASSERT_EQ(of.take(1, {user("a")}).size(), 0U) << "outstanding";
  ASSERT_EQ(of.take(1).size(), 0U) << "settled";
  const auto next = of.push("a");
  EXPECT_EQ(of.take(0), Taken{next});
}

TEST(WriteQueue, WhatWasQueuedBeforeItsCartWasTakenFollowsItToo) {
  TwoLanes of;
  const auto a = of.push("a"), b = of.push("b"), again = of.push("a");
  EXPECT_EQ(of.queue.take(0, {}, {.operations = 1, .carts = 100}, runtime::SteadyTime::min()),
            Taken{a});
  EXPECT_EQ(of.take(1), Taken{b});
  EXPECT_EQ(of.take(0, {user("a")}), Taken{again});
}

TEST(WriteQueue, AFullRoundLeavesOtherCartsToOtherLanes) {
  TwoLanes of;
  const auto a = of.push("a"), a2 = of.push("a"), b = of.push("b");
  EXPECT_EQ(of.take(0, {}, 1), (Taken{a, a2})) << "a second write of a cart takes no more room";
  EXPECT_EQ(of.take(1), Taken{b});
}

TEST(WriteQueue, WhatALaneGaveBackComesBeforeLaterWritesOfItsCart) {
  TwoLanes of;
  const auto a = of.push("a");
  of.queue.put_back(0, of.take(0));
  const auto later = of.push("a");
  EXPECT_EQ(of.take(1), Taken{}) << "they are lane 0's";
  EXPECT_EQ(of.take(0), (Taken{a, later}));
}

TEST(WriteQueue, WhatDoesNotFitKeepsItsCart) {
  TwoLanes of;
  const auto a = of.push("a"), b = of.push("b");
  of.queue.put_back(0, of.take(0));
  EXPECT_EQ(of.queue.take(0, {}, {.operations = 1, .carts = 100}, runtime::SteadyTime::min()),
            Taken{a});
  const auto later = of.push("b");
  EXPECT_EQ(of.take(1), Taken{});
  EXPECT_EQ(of.take(0, {user("a")}), (Taken{b, later}));
}

// ---- few writes wait for more

constexpr auto for_ever = std::chrono::hours{1};

// What a lane that had nothing to do takes once wait_until() lets it.
std::future<std::size_t> idle_lane(WriteQueue& queue, std::size_t lane) {
  return std::async(std::launch::async, [&queue, lane] {
    EXPECT_EQ(queue.wait_until(lane, std::chrono::steady_clock::now() + for_ever),
              WriteQueue::Wake::work);
    return queue.take(lane, {}, {.operations = 100, .carts = 100}, runtime::SteadyTime::min())
        .size();
  });
}

struct OneLaneAtWork {
  explicit OneLaneAtWork(std::chrono::milliseconds patience) : queue(3, 100, patience) {
    push({"a", "b", "c"});
    EXPECT_EQ(take(queue, 100).size(), 3U);
  }
  void push(std::initializer_list<std::string_view> users) {
    for (const auto who : users) {
      kept.push_back(queued(start + 1h, who));
      EXPECT_TRUE(queue.push(kept.back().write));
    }
  }
  WriteQueue queue;
  std::vector<Queued> kept;
};

TEST(WriteQueue, AnIdleLaneWaitsForAsManyAsAnotherHasTaken) {
  OneLaneAtWork of(for_ever);
  auto taken = idle_lane(of.queue, 1);
  of.push({"d", "e", "f"});
  EXPECT_EQ(taken.get(), 3U);
}

TEST(WriteQueue, NotLongerThanItsPatience) {
  OneLaneAtWork of(1ms);
  auto taken = idle_lane(of.queue, 1);
  of.push({"d"});
  EXPECT_EQ(taken.get(), 1U);
}

TEST(WriteQueue, NotAtAllWhileNobodyIsAtWork) {
  OneLaneAtWork of(for_ever);
  EXPECT_EQ(take(of.queue, 100).size(), 0U) << "it has settled";
  auto taken = idle_lane(of.queue, 1);
  of.push({"d"});
  EXPECT_EQ(taken.get(), 1U);
}

TEST(WriteQueue, NotForWritesOfItsOwnCarts) {
  OneLaneAtWork of(for_ever);
  EXPECT_EQ(
      of.queue
          .take(1, {user("mine")}, {.operations = 100, .carts = 100}, runtime::SteadyTime::min())
          .size(),
      0U);
  auto taken = idle_lane(of.queue, 1);
  of.push({"mine"});
  EXPECT_EQ(taken.get(), 1U);
}

TEST(WriteQueue, ALaneThatComesBackTakesTheFew) {
  OneLaneAtWork of(for_ever);
  auto other = idle_lane(of.queue, 1);
  of.push({"d", "e"});
  EXPECT_EQ(take(of.queue, 100).size(), 2U);
  of.push({"f", "g"}); // as many as the lane at work has now
  EXPECT_EQ(other.get(), 2U);
}

// Every lane waits in a thread of its own; nothing may be left lying while one of them waits.
TEST(WriteQueue, NobodySleepsWhileThereIsWork) {
  constexpr std::size_t lanes = 4;
  constexpr int writes = 20'000;
  WriteQueue queue(lanes, writes);
  std::atomic<int> done = 0;
  std::vector<std::jthread> threads;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&, lane] {
      while (queue.wait_until(lane, std::chrono::steady_clock::now() + 1h) !=
             WriteQueue::Wake::closed) {
        for (const auto& write :
             queue.take(lane, {}, {.operations = 3, .carts = 2}, runtime::SteadyTime::min())) {
          write->answer(Receipt{});
          ++done;
        }
      }
    });
  }
  std::vector<Queued> kept;
  for (int i = 0; i < writes; ++i) {
    kept.push_back(queued(start, "u" + std::to_string(i % 7)));
    ASSERT_TRUE(queue.push(kept.back().write));
  }
  queue.close();
  threads.clear(); // a lane that slept on would sleep for an hour
  EXPECT_EQ(done, writes);
}

TEST(PendingWrite, DroppedItIsAnsweredByItsDestructor) {
  auto one = queued(start);
  one.write.reset();
  ASSERT_EQ(one.answers->size(), 1U);
  EXPECT_FALSE(one.answers->at(0).has_value());
}

} // namespace
} // namespace panier::commit::test
