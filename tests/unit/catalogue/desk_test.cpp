// Single flight, order of errands, deadlines: every order is answered exactly once.
#include "catalogue/desk.hpp"

#include <gmock/gmock.h>

#include "support/manual_clock.hpp"

namespace panier::catalogue {
namespace {

using namespace std::chrono_literals;
using State = Finding::State;
using Kind = Verdict::Kind;
using testing::ElementsAre;
using Ids = std::vector<std::string>;

Verdict found() {
  auto article = std::make_shared<Article>();
  article->members = R"("name":"n","prix":1)";
  return {.kind = Kind::found, .article = std::move(article), .why = {}};
}

class DeskTest : public testing::Test {
protected:
  struct Told {
    int times = 0;
    std::vector<State> states;
  };
  std::shared_ptr<Told> ask(Ids ids, bool fresh_only = false, std::chrono::milliseconds wait = 2s) {
    auto told = std::make_shared<Told>();
    woken_ = desk_.ask({.articles = std::move(ids),
                        .fresh_only = fresh_only,
                        .until = clock_.steady() + wait,
                        .answer = [told](std::vector<Finding> findings) {
                          ++told->times;
                          for (const auto& finding : findings)
                            told->states.push_back(finding.state);
                        }});
    return told;
  }
  Ids errands(bool refresh = true) {
    Ids all;
    while (auto errand = desk_.next(refresh))
      all.push_back(errand->article + (errand->refresh ? "*" : ""));
    return all;
  }
  void land(const std::string& id, const Verdict& verdict = found()) {
    desk_.landed(id, verdict, clock_.steady());
  }

  test::ManualClock clock_;
  runtime::Metrics metrics_{"test", clock_};
  Desk desk_{{.fresh = 30s, .stale = 600s}, clock_, metrics_};
  bool woken_ = false;
};

TEST_F(DeskTest, all_articles_of_a_cart_are_asked_for_at_once) {
  const auto told = ask({"a", "b", "c"});
  EXPECT_TRUE(woken_);
  EXPECT_THAT(errands(), ElementsAre("a", "b", "c"));
  land("b");
  land("a");
  EXPECT_EQ(told->times, 0);
  land("c", {.kind = Kind::gone, .article = nullptr, .why = {}});
  EXPECT_EQ(told->times, 1);
  EXPECT_THAT(told->states, ElementsAre(State::fresh, State::fresh, State::not_found));
}

TEST_F(DeskTest, an_article_is_asked_for_once_however_many_carts_want_it) {
  std::vector<std::shared_ptr<Told>> carts;
  for (int i = 0; i < 1'000; ++i)
    carts.push_back(ask({"a"}));
  EXPECT_THAT(errands(), ElementsAre("a"));
  for (int i = 0; i < 1'000; ++i)
    carts.push_back(ask({"a"}, i % 2 == 0)); // it is under way
  EXPECT_THAT(errands(), ElementsAre());
  land("a");
  for (const auto& cart : carts) {
    EXPECT_EQ(cart->times, 1);
    EXPECT_THAT(cart->states, ElementsAre(State::fresh));
  }
}

TEST_F(DeskTest, what_is_known_is_told_at_once_and_asks_nothing) {
  ask({"a"});
  (void)errands();
  land("a");
  const auto told = ask({"a"});
  EXPECT_FALSE(woken_);
  EXPECT_THAT(told->states, ElementsAre(State::fresh));
  EXPECT_THAT(errands(), ElementsAre());
}

TEST_F(DeskTest, a_stale_article_is_told_at_once_and_refreshed_once) {
  ask({"a"});
  (void)errands();
  land("a");
  clock_.advance(31s);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(ask({"a"})->states, ElementsAre(State::stale));
    EXPECT_EQ(woken_, i == 0);
  }
  EXPECT_THAT(errands(false), ElementsAre());
  EXPECT_THAT(errands(), ElementsAre("a*"));
  EXPECT_THAT(ask({"a"})->states, ElementsAre(State::stale));
  EXPECT_THAT(errands(), ElementsAre());
  land("a");
  EXPECT_THAT(ask({"a"})->states, ElementsAre(State::fresh));
}

TEST_F(DeskTest, whoever_waits_overtakes_a_refresh) {
  ask({"a", "b", "c"});
  (void)errands();
  for (const auto* id : {"a", "b", "c"})
    land(id);
  clock_.advance(31s);
  ask({"a", "b", "c"});
  const auto add = ask({"c"}, true); // stock wants a fresh one
  EXPECT_EQ(add->times, 0);
  EXPECT_THAT(errands(), ElementsAre("c", "a*", "b*"));
  land("c");
  EXPECT_THAT(add->states, ElementsAre(State::fresh));
}

TEST_F(DeskTest, an_order_is_answered_at_its_deadline_with_what_is_there) {
  const auto told = ask({"a", "b"}, false, 500ms);
  const auto patient = ask({"b"}, false, 2s);
  (void)errands();
  EXPECT_EQ(desk_.next_due(), clock_.steady() + 500ms);
  land("a");
  clock_.advance(499ms);
  desk_.expire();
  EXPECT_EQ(told->times, 0);
  clock_.advance(1ms);
  desk_.expire();
  EXPECT_THAT(told->states, ElementsAre(State::fresh, State::late));
  land("b");
  EXPECT_EQ(told->times, 1);
  EXPECT_THAT(patient->states, ElementsAre(State::fresh));
  EXPECT_EQ(desk_.next_due(), SteadyTime::max());
}

TEST_F(DeskTest, an_order_without_time_is_answered_from_the_cache) {
  const auto told = ask({"a"}, false, 0ms);
  EXPECT_THAT(told->states, ElementsAre(State::unavailable));
}

TEST_F(DeskTest, what_cannot_be_an_articles_address_is_not_asked_for) {
  const auto told = ask({".", "..", "health"});
  EXPECT_THAT(told->states, ElementsAre(State::not_found, State::not_found, State::not_found));
  EXPECT_THAT(errands(), ElementsAre());
}

TEST_F(DeskTest, an_empty_cart_waits_for_nothing) {
  EXPECT_EQ(ask({})->times, 1);
  EXPECT_FALSE(woken_);
}

TEST_F(DeskTest, orders_beyond_the_bound_are_answered_at_once) {
  std::vector<std::shared_ptr<Told>> waiting;
  for (std::size_t i = 0; i < Desk::orders_max; ++i)
    waiting.push_back(ask({"a"}));
  EXPECT_THAT(ask({"a"})->states, ElementsAre(State::unavailable));
  land("a");
  for (const auto& order : waiting)
    EXPECT_EQ(order->times, 1);
}

TEST_F(DeskTest, articles_beyond_the_bound_are_unavailable_and_the_others_come) {
  Ids many;
  for (std::size_t i = 0; i < Desk::flights_max; ++i)
    many.push_back("x" + std::to_string(i));
  const auto first = ask(many);
  const auto second = ask({"x0", "one more"});
  EXPECT_EQ(second->times, 0);
  land("x0");
  EXPECT_THAT(second->states, ElementsAre(State::fresh, State::unavailable));
}

TEST_F(DeskTest, closing_answers_everybody_and_later_orders_do_not_wait) {
  const auto told = ask({"a", "b"});
  (void)errands();
  land("a");
  desk_.close();
  EXPECT_THAT(told->states, ElementsAre(State::fresh, State::unavailable));
  EXPECT_THAT(ask({"a", "c"})->states, ElementsAre(State::fresh, State::unavailable));
  land("b"); // late
  EXPECT_EQ(told->times, 1);
}

TEST_F(DeskTest, an_answer_may_ask_again) {
  int answers = 0;
  std::function<void()> again = [&] {
    (void)desk_.ask({.articles = {"a"},
                     .fresh_only = false,
                     .until = clock_.steady() + 1s,
                     .answer = [&](std::vector<Finding>) {
                       if (++answers < 3) again();
                     }});
  };
  again();
  (void)errands();
  land("a");
  EXPECT_EQ(answers, 3);
}

} // namespace
} // namespace panier::catalogue
