// Which URL is asked next, for how long, and what it all comes to.
#include "catalogue/journey.hpp"

#include <gtest/gtest.h>

namespace panier::catalogue {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

Verdict came_to(Kind kind) {
  return {.kind = kind, .article = nullptr, .why = "told"};
}

class JourneyTest : public testing::Test {
protected:
  // Its health is known to be bad.
  void open(std::size_t source) {
    breakers_[source].probe_sent();
    breakers_[source].probed(false, now_);
  }
  Breaker::Time now_{100s};
  std::vector<Breaker> breakers_{4};
  Journey journey_{now_, now_ + 2s};
};

TEST_F(JourneyTest, each_url_is_asked_once_with_a_fair_share_of_the_time) {
  for (const auto& [source, timeout] :
       {std::pair{0u, 500ms}, {1u, 500ms}, {2u, 500ms}, {3u, 500ms}}) {
    const auto leg = journey_.next(breakers_, now_);
    ASSERT_TRUE(leg);
    EXPECT_EQ(leg->source, source);
    EXPECT_EQ(leg->timeout, timeout);
    EXPECT_FALSE(journey_.came_back(came_to(Kind::unreachable)));
    now_ += timeout;
  }
  EXPECT_FALSE(journey_.next(breakers_, now_));
  EXPECT_EQ(journey_.verdict().kind, Kind::unreachable);
}

TEST_F(JourneyTest, what_a_fast_refusal_leaves_is_for_the_others) {
  ASSERT_TRUE(journey_.next(breakers_, now_));
  EXPECT_FALSE(journey_.came_back(came_to(Kind::failing)));
  open(1);
  open(2);
  const auto leg = journey_.next(breakers_, now_);
  ASSERT_TRUE(leg);
  EXPECT_EQ(leg->source, 3u);
  EXPECT_EQ(leg->timeout, 2s);
}

TEST_F(JourneyTest, ends_at_once_where_no_url_is_in_use) {
  for (std::size_t i = 0; i < breakers_.size(); ++i)
    open(i);
  EXPECT_FALSE(journey_.next(breakers_, now_));
  EXPECT_EQ(journey_.verdict().kind, Kind::unreachable);
}

TEST_F(JourneyTest, ends_with_the_time) {
  now_ += 2s;
  EXPECT_FALSE(journey_.next(breakers_, now_));
}

TEST_F(JourneyTest, what_is_said_of_the_article_settles_it) {
  for (const auto kind : {Kind::found, Kind::gone, Kind::denied, Kind::invalid}) {
    Journey journey{now_, now_ + 2s};
    ASSERT_TRUE(journey.next(breakers_, now_));
    EXPECT_FALSE(journey.came_back(came_to(Kind::malformed)));
    ASSERT_TRUE(journey.next(breakers_, now_));
    EXPECT_TRUE(journey.came_back(came_to(kind)));
    EXPECT_EQ(journey.verdict().kind, kind);
  }
}

TEST_F(JourneyTest, silence_weighs_more_than_nonsense) {
  const auto result = [&](Kind first, Kind second) {
    Journey journey{now_, now_ + 2s};
    (void)journey.next(breakers_, now_);
    (void)journey.came_back(came_to(first));
    (void)journey.next(breakers_, now_);
    (void)journey.came_back(came_to(second));
    return journey.verdict().kind;
  };
  EXPECT_EQ(result(Kind::malformed, Kind::unreachable), Kind::unreachable);
  EXPECT_EQ(result(Kind::unreachable, Kind::malformed), Kind::unreachable);
  EXPECT_EQ(result(Kind::failing, Kind::malformed), Kind::failing);
  EXPECT_EQ(result(Kind::malformed, Kind::malformed), Kind::malformed);
}

} // namespace
} // namespace panier::catalogue
