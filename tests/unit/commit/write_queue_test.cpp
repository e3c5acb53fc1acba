// Every write is answered exactly once, whatever happens to the queue or the lane.
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

Queued queued(runtime::SteadyTime deadline) {
  Queued made;
  made.write =
      std::make_shared<PendingWrite>(WriteRequest{{.kind = OperationKind::create,
                                                   .user = user("u"),
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

TEST(WriteQueue, AFullQueueTakesNoMoreUntilSomebodyIsAnswered) {
  WriteQueue queue(2);
  auto one = queued(start);
  auto two = queued(start);
  auto three = queued(start);
  EXPECT_TRUE(queue.push(one.write));
  EXPECT_TRUE(queue.push(two.write));
  EXPECT_EQ(queue.push(three.write).error().code, Errc::overloaded);
  ASSERT_EQ(queue.take(1).size(), 1U);
  EXPECT_EQ(queue.push(three.write).error().code, Errc::overloaded) << "taken is not answered";
  one.write->answer(Receipt{});
  EXPECT_TRUE(queue.push(three.write));
}

TEST(WriteQueue, PastItsDeadlineAQueuedWriteIsDroppedNotExecuted) {
  WriteQueue queue(10);
  auto old = queued(start + 1s);
  ASSERT_TRUE(queue.push(old.write));
  queue.expire_due(start + 1s);
  EXPECT_EQ(old.answers->at(0).error().code, Errc::overloaded);
  EXPECT_TRUE(queue.take(10).empty());
}

TEST(WriteQueue, PastItsDeadlineInTheLanesHandsTheOutcomeIsUnknown) {
  WriteQueue queue(10);
  auto held = queued(start + 1s);
  ASSERT_TRUE(queue.push(held.write));
  ASSERT_EQ(queue.take(10).size(), 1U);
  queue.expire_due(start + 2s);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::outcome_unknown);
  EXPECT_FALSE(held.write->answer(Receipt{}));
  EXPECT_EQ(held.answers->size(), 1U);
}

TEST(WriteQueue, AWriteGivenBackWasCertainlyNotDone) {
  WriteQueue queue(10);
  auto held = queued(start + 1s);
  ASSERT_TRUE(queue.push(held.write));
  queue.put_back(queue.take(10));
  queue.expire_due(start + 2s);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::overloaded);
}

TEST(WriteQueue, WhatIsPutBackComesFirst) {
  WriteQueue queue(10);
  auto one = queued(start);
  auto two = queued(start);
  ASSERT_TRUE(queue.push(one.write));
  auto taken = queue.take(10);
  ASSERT_TRUE(queue.push(two.write));
  queue.put_back(std::move(taken));
  EXPECT_EQ(queue.take(10), (std::vector{one.write, two.write}));
}

TEST(WriteQueue, ClosedItTakesNoMoreAndTheRestIsAnswered) {
  WriteQueue queue(10);
  auto waiting = queued(start);
  auto held = queued(start);
  ASSERT_TRUE(queue.push(held.write));
  ASSERT_EQ(queue.take(1).size(), 1U);
  ASSERT_TRUE(queue.push(waiting.write));
  queue.close();
  EXPECT_EQ(queue.push(queued(start).write).error().code, Errc::shutting_down);
  queue.answer_rest();
  EXPECT_EQ(waiting.answers->at(0).error().code, Errc::shutting_down);
  EXPECT_EQ(held.answers->at(0).error().code, Errc::outcome_unknown);
}

TEST(PendingWrite, DroppedItIsAnsweredByItsDestructor) {
  auto one = queued(start);
  one.write.reset();
  ASSERT_EQ(one.answers->size(), 1U);
  EXPECT_FALSE(one.answers->at(0).has_value());
}

} // namespace
} // namespace panier::commit::test
