// Ages, doubts and the bound of the cache.
#include "catalogue/cache.hpp"

#include <gtest/gtest.h>

namespace panier::catalogue {
namespace {

using namespace std::chrono_literals;
using State = Finding::State;
using Kind = Verdict::Kind;

Verdict found(std::string members = R"("name":"n","prix":1)") {
  auto article = std::make_shared<Article>();
  article->members = std::move(members);
  return {.kind = Kind::found, .article = std::move(article), .why = {}};
}
Verdict came_to(Kind kind) {
  return {.kind = kind, .article = nullptr, .why = {}};
}

class CacheTest : public testing::Test {
protected:
  // "fresh", "stale+refresh", "ask", ..
  std::string told(const std::string& id, bool fresh_only = false) {
    const auto known = cache_.look_up(id, now_, fresh_only);
    if (!known.finding) return "ask";
    static constexpr const char* names[] = {"fresh",   "stale",       "not_found",
                                            "invalid", "unavailable", "late"};
    return std::string(names[static_cast<int>(known.finding->state)]) +
           (known.refresh ? "+refresh" : "");
  }
  void keep(const std::string& id, const Verdict& verdict) {
    (void)cache_.keep(id, verdict, now_, now_);
  }

  SteadyTime now_{1'000s};
  Cache cache_{{.fresh = 30s, .stale = 600s, .bytes_max = 10'000}};
};

TEST_F(CacheTest, an_article_is_fresh_then_stale_then_asked_for_again) {
  EXPECT_EQ(told("a"), "ask");
  keep("a", found());
  EXPECT_EQ(told("a"), "fresh");
  now_ += 30s;
  EXPECT_EQ(told("a"), "fresh");
  now_ += 1ms;
  EXPECT_EQ(told("a"), "stale+refresh");
  now_ = SteadyTime{1'600s};
  EXPECT_EQ(told("a"), "stale+refresh");
  EXPECT_EQ(cache_.look_up("a", now_, false).finding->age, 600s);
  now_ += 1ms;
  EXPECT_EQ(told("a"), "ask");
}

TEST_F(CacheTest, stock_is_never_judged_by_a_stale_article) {
  keep("a", found());
  EXPECT_EQ(told("a", true), "fresh");
  now_ += 31s;
  EXPECT_EQ(told("a", true), "ask");
}

TEST_F(CacheTest, the_age_counts_from_the_question) {
  const auto told_now = cache_.keep("a", found(), now_ - 31s, now_);
  EXPECT_EQ(told_now.state, State::stale);
  EXPECT_EQ(told_now.age, 31s);
}

TEST_F(CacheTest, a_no_is_believed_for_a_while) {
  for (const auto& [kind, name] : {std::pair{Kind::gone, "not_found"},
                                   {Kind::denied, "not_found"},
                                   {Kind::invalid, "invalid"},
                                   {Kind::malformed, "invalid"}}) {
    keep("a", came_to(kind));
    EXPECT_EQ(told("a"), name);
    EXPECT_EQ(told("a", true), name);
    now_ += Cache::no_age_max;
    EXPECT_EQ(told("a"), "ask");
  }
}

TEST_F(CacheTest, an_article_that_could_not_be_had_is_left_in_peace_for_a_moment) {
  keep("a", came_to(Kind::unreachable));
  EXPECT_EQ(told("a"), "unavailable");
  now_ += Cache::retry_pause;
  EXPECT_EQ(told("a"), "ask");
  keep("a", came_to(Kind::failing));
  EXPECT_EQ(told("a"), "unavailable");
}

TEST_F(CacheTest, trouble_does_not_take_away_what_is_known) {
  keep("a", found());
  now_ += 31s;
  for (const auto kind : {Kind::unreachable, Kind::failing, Kind::denied, Kind::malformed}) {
    keep("a", came_to(kind));
    EXPECT_EQ(told("a"), "stale"); // and no refresh yet
    now_ += Cache::no_age_max;
    EXPECT_EQ(told("a"), "stale+refresh");
  }
}

TEST_F(CacheTest, stock_is_not_judged_by_what_trouble_left) {
  keep("a", found());
  now_ += 31s;
  keep("a", came_to(Kind::denied));
  EXPECT_EQ(told("a", true), "not_found");
  keep("a", came_to(Kind::unreachable));
  EXPECT_EQ(told("a", true), "unavailable");
}

TEST_F(CacheTest, what_is_certainly_gone_is_gone) {
  for (const auto& [kind, name] :
       {std::pair{Kind::gone, "not_found"}, {Kind::invalid, "invalid"}}) {
    keep("a", found());
    EXPECT_EQ(told("a"), "fresh");
    keep("a", came_to(kind));
    EXPECT_EQ(told("a"), name);
  }
}

TEST_F(CacheTest, an_article_that_comes_back_is_whole) {
  keep("a", came_to(Kind::unreachable));
  keep("a", found());
  EXPECT_EQ(told("a"), "fresh");
  now_ += 31s;
  EXPECT_EQ(told("a"), "stale+refresh");
}

TEST_F(CacheTest, the_least_recently_used_goes_first) {
  const auto large = found(std::string(3'000, ' '));
  keep("a", large);
  keep("b", large);
  keep("c", large);
  EXPECT_EQ(told("a"), "fresh"); // used again
  keep("d", large);
  EXPECT_EQ(told("b"), "ask");
  EXPECT_EQ(told("a"), "fresh");
  EXPECT_LE(cache_.bytes(), 10'000u);
}

TEST_F(CacheTest, a_million_of_unknown_articles_find_no_room) {
  for (int i = 0; i < 10'000; ++i)
    keep("id" + std::to_string(i), came_to(Kind::gone));
  EXPECT_LE(cache_.bytes(), 10'000u);
  EXPECT_LT(cache_.size(), 50u);
  EXPECT_EQ(told("id9999"), "not_found");
}

TEST_F(CacheTest, what_is_larger_than_the_cache_is_told_but_not_kept) {
  EXPECT_EQ(cache_.keep("a", found(std::string(20'000, ' ')), now_, now_).state, State::fresh);
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_EQ(cache_.bytes(), 0u);
}

} // namespace
} // namespace panier::catalogue
