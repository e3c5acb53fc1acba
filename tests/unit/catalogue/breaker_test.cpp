// When a URL is asked, and what brings it back.
#include "catalogue/breaker.hpp"

#include <gtest/gtest.h>

namespace panier::catalogue {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

class BreakerTest : public testing::Test {
protected:
  // Past the question that is asked at start.
  void SetUp() override {
    breaker_.probe_sent();
    breaker_.probed(true, now_);
  }
  Breaker::Time now_{100s};
  Breaker breaker_;
};

TEST(BreakerAtStart, is_asked_for_its_health_and_used_meanwhile) {
  Breaker breaker;
  EXPECT_TRUE(breaker.usable());
  EXPECT_TRUE(breaker.probe_due(Breaker::Time{}));
  breaker.probe_sent();
  EXPECT_FALSE(breaker.probe_due(Breaker::Time{}));
  breaker.probed(false, Breaker::Time{});
  EXPECT_FALSE(breaker.usable());
}

TEST_F(BreakerTest, silence_in_a_row_opens_it) {
  for (int i = 1; i < Breaker::failures_max; ++i)
    breaker_.silent(now_);
  breaker_.answered();
  for (int i = 1; i < Breaker::failures_max; ++i)
    breaker_.silent(now_);
  EXPECT_TRUE(breaker_.usable());
  breaker_.silent(now_);
  EXPECT_FALSE(breaker_.usable());
  EXPECT_TRUE(breaker_.probe_due(now_));
}

TEST_F(BreakerTest, errors_alone_do_not_because_unknown_articles_are_errors_too) {
  for (int i = 0; i < 100; ++i)
    breaker_.failed(now_);
  EXPECT_TRUE(breaker_.usable());
  EXPECT_EQ(breaker_.state(), State::suspect);
  ASSERT_TRUE(breaker_.probe_due(now_));
  breaker_.probe_sent();
  breaker_.probed(true, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(BreakerTest, errors_and_a_health_that_is_none_do) {
  for (int i = 0; i < Breaker::failures_max; ++i)
    breaker_.failed(now_);
  breaker_.probe_sent();
  breaker_.probed(false, now_);
  EXPECT_FALSE(breaker_.usable());
}

TEST_F(BreakerTest, health_is_asked_for_ever_more_slowly_and_brings_it_back) {
  for (int i = 0; i < Breaker::failures_max; ++i)
    breaker_.silent(now_);
  auto pause = Breaker::first_pause;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(breaker_.probe_due(now_));
    breaker_.probe_sent();
    EXPECT_EQ(breaker_.next_probe(), Breaker::Time::max());
    breaker_.probed(false, now_);
    EXPECT_EQ(breaker_.next_probe(), now_ + pause);
    EXPECT_FALSE(breaker_.probe_due(now_ + pause - 1ms));
    now_ += pause;
    pause = std::min(2 * pause, Breaker::pause_max);
  }
  breaker_.probe_sent();
  breaker_.probed(true, now_);
  EXPECT_TRUE(breaker_.usable());
  EXPECT_FALSE(breaker_.probe_due(now_));
  EXPECT_EQ(breaker_.next_probe(), Breaker::Time::max());
}

TEST_F(BreakerTest, a_late_answer_does_not_close_it_but_clears_a_suspicion) {
  for (int i = 0; i < Breaker::failures_max; ++i)
    breaker_.silent(now_);
  breaker_.answered();
  EXPECT_FALSE(breaker_.usable());
  breaker_.probe_sent();
  breaker_.probed(true, now_);
  for (int i = 0; i < Breaker::failures_max; ++i)
    breaker_.failed(now_);
  breaker_.probe_sent();
  breaker_.answered();
  breaker_.probed(false, now_); // of before
  EXPECT_EQ(breaker_.state(), State::closed);
}

} // namespace
} // namespace panier::catalogue
