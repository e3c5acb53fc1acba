// The client as a whole on a wire that does what the test says: failover, breakers, deadlines.
#include "catalogue/catalogue.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "support/manual_clock.hpp"

namespace panier::catalogue {
namespace {

using namespace std::chrono_literals;
using State = Finding::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* good = R"({"error":false,"rs":{"name":"n","prix":1,"stock":3}})";

// Answers by URL; what it has no answer for stays open until the test's time is over.
class ScriptedWire final : public Wire {
public:
  struct Asked {
    Ticket ticket;
    std::string url;
    std::chrono::milliseconds timeout;
  };
  void get(Ticket ticket, const std::string& url, std::chrono::milliseconds timeout) override {
    asked.push_back(url);
    open.push_back({ticket, url, timeout});
    at_once = std::max(at_once, open.size());
  }
  std::vector<Ended> run_once(std::chrono::milliseconds) override {
    std::vector<Ended> ended;
    for (auto& request : std::exchange(open, {})) {
      const auto answer = answers.find(request.url);
      if (answer == answers.end()) {
        open.push_back(std::move(request));
        continue;
      }
      ended.push_back(answer->second);
      ended.back().ticket = request.ticket;
    }
    return ended;
  }
  void wake() override {}

  // libcurl would: the timeouts have passed.
  void time_out() {
    for (const auto& request : open)
      answers.try_emplace(request.url, Ended{.status = 0, .why = "timed out"});
  }

  std::map<std::string, Ended> answers;
  std::vector<std::string> asked;
  std::vector<Asked> open;
  std::size_t at_once = 0;
};

class CatalogueTest : public testing::Test {
protected:
  void SetUp() override { make({"http://one/", "http://two/"}); }
  void make(const std::vector<std::string>& urls) {
    auto wire = std::make_unique<ScriptedWire>();
    wire_ = wire.get();
    Catalogue::Settings settings{.sources = {}, .timeout = 2s, .cache = {}};
    for (const auto& url : urls) {
      settings.sources.push_back({"URL_" + url.substr(7, 3), url});
      wire_->answers[url + "health"] = {.status = 200, .body = "{}"};
    }
    catalogue_ =
        std::make_unique<Catalogue>(std::move(settings), clock_, metrics_, std::move(wire));
    rounds(2);
    wire_->asked.clear();
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i)
      catalogue_->run_once(0ms);
  }
  std::shared_ptr<std::vector<State>> ask(std::vector<std::string> ids) {
    auto told = std::make_shared<std::vector<State>>();
    catalogue_->ask({.articles = std::move(ids),
                     .fresh_only = false,
                     .until = clock_.steady() + 2s,
                     .answer = [told](std::vector<Finding> findings) {
                       for (const auto& finding : findings)
                         told->push_back(finding.state);
                     }});
    return told;
  }
  void answer(const std::string& url, long status, std::string body = good) {
    wire_->answers[url] = {.status = status, .body = std::move(body)};
  }
  void silence(const std::string& url) {
    wire_->answers[url] = {.status = 0, .why = "connection refused"};
  }

  test::ManualClock clock_;
  runtime::Metrics metrics_{"test", clock_};
  ScriptedWire* wire_ = nullptr;
  std::unique_ptr<Catalogue> catalogue_;
};

TEST_F(CatalogueTest, health_is_asked_for_at_start) {
  make({"http://one/"});
  catalogue_->run_once(0ms);
  EXPECT_THAT(wire_->asked, ElementsAre()); // it was, in make()
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_article_source_up{url=\"URL_one\"} 1"));
}

TEST_F(CatalogueTest, a_cart_of_a_hundred_lines_is_one_round_of_parallel_requests) {
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    ids.push_back("a" + std::to_string(i));
    answer("http://one/" + ids.back(), 200);
  }
  const auto told = ask(ids);
  rounds(1);
  EXPECT_EQ(wire_->asked.size(), 100u);
  EXPECT_EQ(wire_->at_once, 100u);
  EXPECT_EQ(told->size(), 100u);
}

TEST_F(CatalogueTest, requests_at_once_are_bounded_and_the_rest_follows) {
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    ids.push_back("a" + std::to_string(i));
    answer("http://one/" + ids.back(), 200);
  }
  const auto told = ask(ids);
  rounds(2);
  EXPECT_EQ(wire_->at_once, Catalogue::requests_at_once_max);
  EXPECT_EQ(told->size(), 300u);
}

TEST_F(CatalogueTest, the_other_url_is_asked_when_one_fails) {
  silence("http://one/a");
  answer("http://two/a", 200);
  answer("http://one/b", 503);
  answer("http://two/b", 200);
  answer("http://one/c", 302, "");
  answer("http://two/c", 404, "");
  const auto told = ask({"a", "b", "c"});
  rounds(2);
  EXPECT_THAT(*told, ElementsAre(State::fresh, State::fresh, State::not_found));
  EXPECT_THAT(wire_->asked, UnorderedElementsAre("http://one/a", "http://one/b", "http://one/c",
                                                 "http://two/a", "http://two/b", "http://two/c",
                                                 "http://one/health")); // three failures in a row
}

TEST_F(CatalogueTest, what_one_says_of_an_article_is_not_asked_of_the_other) {
  answer("http://one/a", 404, "");
  answer("http://one/b", 200, R"({"error":true})");
  answer("http://one/c", 200, R"({"error":false,"rs":null})");
  const auto told = ask({"a", "b", "c"});
  rounds(2);
  EXPECT_THAT(*told, ElementsAre(State::not_found, State::not_found, State::invalid));
  EXPECT_EQ(wire_->asked.size(), 3u);
}

TEST_F(CatalogueTest, a_silent_url_is_given_up_and_comes_back_by_its_health) {
  wire_->answers["http://one/health"] = {.status = 0, .why = "timed out"};
  for (const auto* id : {"a", "b", "c", "d"}) {
    silence(std::string("http://one/") + id);
    answer(std::string("http://two/") + id, 200);
  }
  ask({"a", "b", "c"});
  rounds(3);
  wire_->asked.clear();
  const auto told = ask({"d"});
  rounds(2);
  EXPECT_THAT(*told, ElementsAre(State::fresh));
  EXPECT_THAT(wire_->asked, ElementsAre("http://two/d"));
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_article_source_up{url=\"URL_one\"} 0"));

  wire_->answers["http://one/health"] = {.status = 200, .body = "{}"};
  clock_.advance(Breaker::first_pause);
  rounds(2);
  answer("http://one/e", 200);
  wire_->asked.clear();
  ask({"e"});
  rounds(2);
  EXPECT_THAT(wire_->asked, ElementsAre("http://one/e"));
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_article_source_up{url=\"URL_one\"} 1"));
}

TEST_F(CatalogueTest, with_no_url_left_nobody_waits) {
  for (const auto* url : {"http://one/", "http://two/"}) {
    wire_->answers[std::string(url) + "health"] = {.status = 0, .why = "refused"};
    for (const auto* id : {"a", "b", "c"})
      silence(std::string(url) + id);
  }
  ask({"a", "b", "c"});
  rounds(4);
  wire_->asked.clear();
  const auto told = ask({"d"});
  rounds(1);
  EXPECT_THAT(*told, ElementsAre(State::unavailable));
  EXPECT_THAT(wire_->asked, ElementsAre());
}

TEST_F(CatalogueTest, unknown_articles_that_answer_500_do_not_take_the_service_away) {
  answer("http://one/known", 200);
  for (int i = 0; i < 50; ++i) {
    const auto id = "x" + std::to_string(i);
    answer("http://one/" + id, 500, "");
    answer("http://two/" + id, 500, "");
    EXPECT_EQ(ask({id})->size(), 0u);
    rounds(3);
  }
  const auto told = ask({"known"});
  rounds(2);
  EXPECT_THAT(*told, ElementsAre(State::fresh));
}

TEST_F(CatalogueTest, silence_costs_each_url_its_share_and_a_cart_its_deadline) {
  const auto told = ask({"a"});
  rounds(1);
  ASSERT_EQ(wire_->open.size(), 1u);
  EXPECT_EQ(wire_->open[0].timeout, 1s);
  clock_.advance(1s);
  wire_->time_out();
  rounds(1);
  ASSERT_EQ(wire_->open.size(), 1u);
  EXPECT_EQ(wire_->open[0].url, "http://two/a");
  EXPECT_EQ(wire_->open[0].timeout, 1s);
  clock_.advance(1s);
  rounds(1);
  EXPECT_THAT(*told, ElementsAre(State::late));
}

TEST_F(CatalogueTest, an_answer_that_is_too_long_is_no_article) {
  for (const auto* url : {"http://one/a", "http://two/a"})
    wire_->answers[url] = {.status = 0, .body = {}, .too_long = true};
  const auto told = ask({"a"});
  rounds(3);
  EXPECT_THAT(*told, ElementsAre(State::invalid));
}

TEST_F(CatalogueTest, refreshes_leave_room_for_carts_that_wait) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < Catalogue::requests_at_once_max; ++i) {
    ids.push_back("a" + std::to_string(i));
    answer("http://one/" + ids.back(), 200);
  }
  ask(ids);
  rounds(2);
  clock_.advance(31s);
  wire_->answers.clear(); // from now on it is silent
  wire_->asked.clear();
  ask(ids); // all stale
  rounds(1);
  EXPECT_EQ(wire_->asked.size(), Catalogue::refreshes_at_once_max);
  ask({"new"});
  rounds(1);
  EXPECT_EQ(wire_->asked.back(), "http://one/new");
}

TEST_F(CatalogueTest, many_threads_ask_and_each_order_is_answered_once) {
  constexpr int threads = 4, orders = 200, articles = 20;
  for (int i = 0; i < articles; ++i)
    answer("http://one/a" + std::to_string(i), 200);
  std::atomic<int> answered{0}, fresh{0};
  {
    std::vector<std::jthread> askers;
    for (int t = 0; t < threads; ++t) {
      askers.emplace_back([&, t] {
        for (int i = 0; i < orders; ++i) {
          catalogue_->ask({.articles = {"a" + std::to_string((t + i) % articles)},
                           .fresh_only = i % 2 == 0,
                           .until = clock_.steady() + 2s,
                           .answer = [&](std::vector<Finding> findings) {
                             ++answered;
                             fresh += findings[0].state == State::fresh ? 1 : 0;
                           }});
        }
      });
    }
    while (answered < threads * orders)
      catalogue_->run_once(0ms);
  }
  EXPECT_EQ(answered, threads * orders);
  EXPECT_EQ(fresh, threads * orders);
  EXPECT_EQ(wire_->asked.size(), std::size_t{articles});
}

TEST_F(CatalogueTest, stopping_answers_whoever_waits) {
  const auto told = ask({"a"});
  rounds(1);
  catalogue_->stop();
  EXPECT_THAT(*told, ElementsAre(State::unavailable));
}

} // namespace
} // namespace panier::catalogue
