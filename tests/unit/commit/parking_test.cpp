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

} // namespace
} // namespace panier::commit::test
