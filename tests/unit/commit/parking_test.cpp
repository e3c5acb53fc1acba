// Parked writes come back after a delay that doubles; everything else goes on meanwhile.
#include "bench.hpp"
#include "commit/parking.hpp"

namespace panier::commit::test {
namespace {

using namespace std::chrono_literals;
const runtime::SteadyTime start{1'000s};

TEST(Parking, AParkedWriteIsTriedAgainAfterTheFirstDelay) {
  Parking parking(20ms);
  parking.park({ask_add("u", "a", 1).write}, start);
  EXPECT_TRUE(parking.take_due(start + 19ms, 100).empty());
  EXPECT_EQ(parking.next_due(), start + 20ms);
  EXPECT_EQ(parking.take_due(start + 20ms, 100).size(), 1U);
}

TEST(Parking, TheDelayDoublesUpToItsBound) {
  Parking parking(20ms);
  const auto add = ask_add("u", "a", 1);
  auto now = start;
  parking.park({add.write}, now);
  for (const auto expected : {20ms, 40ms, 80ms, 160ms, 200ms, 200ms}) {
    EXPECT_EQ(parking.next_due(), now + expected);
    now += expected;
    auto due = parking.take_due(now, 100);
    ASSERT_EQ(due.size(), 1U);
    parking.park(std::move(due), now);
  }
}

TEST(Parking, ACartThatWasCarriedStartsAnew) {
  Parking parking(20ms);
  const auto add = ask_add("u", "a", 1);
  parking.park({add.write}, start);
  ASSERT_EQ(parking.take_due(start + 20ms, 100).size(), 1U);
  parking.settle_delays();
  EXPECT_TRUE(parking.empty());
  parking.park({add.write}, start);
  EXPECT_EQ(parking.next_due(), start + 20ms);
}

TEST(Parking, LaterWritesOfAParkedCartWaitBehindIt) {
  Parking parking(20ms);
  const auto first = ask_add("u", "a", 1);
  const auto second = ask_add("u", "a", 1);
  EXPECT_FALSE(parking.join(first.write));
  parking.park({first.write}, start);
  EXPECT_TRUE(parking.join(second.write));
  EXPECT_EQ(parking.take_due(start + 20ms, 100), (std::vector{first.write, second.write}));
}

TEST(Parking, WhatWasAnsweredMeanwhileIsDropped) {
  Parking parking(20ms);
  const auto add = ask_add("u", "a", 1);
  parking.park({add.write}, start);
  add.write->expire();
  EXPECT_EQ(add.answer().error().code, Errc::cart_busy);
  EXPECT_TRUE(parking.take_due(start + 20ms, 100).empty());
}

TEST(Parking, ACartTakesNoMoreWritesThanABatchCanTry) {
  Parking parking(20ms);
  std::vector<Asked> asked;
  for (std::size_t i = 0; i <= parked_writes_max; ++i)
    asked.push_back(ask_add("u", "a", 1));
  parking.park({asked.front().write}, start);
  for (std::size_t i = 1; i < asked.size(); ++i)
    EXPECT_TRUE(parking.join(asked[i].write));
  EXPECT_EQ(asked.back().answer().error().code, Errc::cart_busy);
  const auto due = parking.take_due(start + 20ms, batch_operations_max);
  ASSERT_EQ(due.size(), parked_writes_max);
  EXPECT_EQ(due.back(), asked[parked_writes_max - 1].write);
}

TEST(Parking, WritesThatWereAnsweredLeaveRoomForOthers) {
  Parking parking(20ms);
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < parked_writes_max; ++i)
    asked.push_back(ask_add("u", "a", 1));
  parking.park({asked.front().write}, start);
  for (std::size_t i = 1; i < asked.size(); ++i)
    EXPECT_TRUE(parking.join(asked[i].write));
  for (const auto& one : asked)
    one.write->expire();
  const auto late = ask_add("u", "a", 1);
  EXPECT_TRUE(parking.join(late.write));
  EXPECT_FALSE(late.write->answered());
  EXPECT_EQ(parking.take_due(start + 20ms, batch_operations_max), std::vector{late.write});
}

TEST(Parking, ACartThatFoundNoRoomGoesFirstTheNextTime) {
  Parking parking(20ms);
  const auto large = std::array{ask_add("large", "a", 1), ask_add("large", "b", 1)};
  const auto small = std::array{ask_add("s1", "a", 1), ask_add("s2", "a", 1)};
  parking.park({small[0].write}, start);
  parking.park({large[0].write, large[1].write}, start + 1ms);
  EXPECT_EQ(parking.take_due(start + 21ms, 2), std::vector{small[0].write});
  parking.park({small[1].write}, start + 2ms);
  EXPECT_EQ(parking.take_due(start + 22ms, 2), (std::vector{large[0].write, large[1].write}));
}

} // namespace
} // namespace panier::commit::test
