// What /metrics shows.
#include "runtime/metrics.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "support/manual_clock.hpp"

namespace panier::runtime {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class MetricsTest : public testing::Test {
protected:
  test::ManualClock clock_;
  Metrics metrics_{"1.2.3", clock_};
};

TEST_F(MetricsTest, every_series_is_there) {
  StoreState store("mariadb", clock_);
  metrics_.watch(store);
  metrics_.http_request("cart.get", "GET", 200, 3ms);
  metrics_.queue_depth(7);
  metrics_.batch(300, 12);
  metrics_.commit(Metrics::CommitPhase::open, 2ms);
  metrics_.commit(Metrics::CommitPhase::commit, 4ms);
  metrics_.mirror_write(6ms);
  metrics_.parked();
  metrics_.repeated();
  metrics_.aborted("mirror_timeout", 3);
  metrics_.operation("add", "ok");
  metrics_.article_request("URL_ARTICLE_DOCKER_1", "found", 3ms);
  metrics_.article_lines("stale", 12);
  metrics_.article_cache(40, 9'000);
  metrics_.article_source("URL_ARTICLE_DOCKER_1", true);
  metrics_.lag_carts(5);
  metrics_.quarantined_carts(2);
  metrics_.verify_differences(1);
  metrics_.verify_found();
  metrics_.watch_failure_log([] { return std::uint64_t{9}; });
  const std::string text = metrics_.text();
  for (const std::string_view line : {
           "panier_http_requests_total{method=\"GET\",route=\"cart.get\",status=\"200\"} 1",
           "panier_http_request_duration_seconds_bucket{route=\"cart.get\",le=\"0.005\"} 1",
           "panier_http_request_duration_seconds_bucket{route=\"cart.get\",le=\"0.0025\"} 0",
           "panier_queue_depth 7",
           "panier_batch_operations_sum 300",
           "panier_batch_carts_sum 12",
           "panier_commit_duration_seconds_sum{phase=\"open\"} 0.002",
           "panier_commit_duration_seconds_sum{phase=\"commit\"} 0.004",
           "panier_mirror_duration_seconds_count 1",
           "panier_parked_total 1",
           "panier_transactions_repeated_total 1",
           "panier_aborted_total{reason=\"mirror_timeout\"} 3",
           "panier_operations_total{operation=\"add\",result=\"ok\"} 1",
           "panier_article_requests_total{result=\"found\",url=\"URL_ARTICLE_DOCKER_1\"} 1",
           "panier_article_request_duration_seconds_bucket{le=\"0.005\"} 1",
           "panier_article_lines_total{state=\"stale\"} 12",
           "panier_article_cache_articles 40",
           "panier_article_cache_bytes 9000",
           "panier_article_source_up{url=\"URL_ARTICLE_DOCKER_1\"} 1",
           "panier_lag_carts 5",
           "panier_quarantined_carts 2",
           "panier_verify_differences 1",
           "panier_verify_found_total 1",
           "panier_store_up{store=\"mariadb\"} 0",
           "panier_store_writable{store=\"mariadb\"} 1",
           "panier_store_latency_seconds{store=\"mariadb\"} 0",
           "panier_log_lines_lost_total ",
           "panier_failure_log_left_out_total 9",
           "panier_build_info{version=\"1.2.3\"} 1",
           "process_start_time_seconds 1764",
       })
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line)));
}

TEST_F(MetricsTest, stores_are_shown_as_they_are_now) {
  StoreState store("mongodb", clock_);
  metrics_.watch(store);
  store.answered(2500us);
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_store_up{store=\"mongodb\"} 1"));
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_store_latency_seconds{store=\"mongodb\"} 0.0025"));
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_store_writable{store=\"mongodb\"} 1"));
  store.set_notice("unique index missing");
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_store_writable{store=\"mongodb\"} 0"));
  store.failed({Errc::store_timeout, "", ""});
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_store_up{store=\"mongodb\"} 0"));
}

TEST_F(MetricsTest, a_count_kept_elsewhere_only_grows) {
  std::uint64_t count = 3;
  metrics_.watch_failure_log([&] { return count; });
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_failure_log_left_out_total 3"));
  count = 5;
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_failure_log_left_out_total 5"));
  EXPECT_THAT(metrics_.text(), HasSubstr("panier_failure_log_left_out_total 5"));
}

TEST_F(MetricsTest, clients_cannot_invent_labels) {
  metrics_.http_request("unmatched", "BREW\"\n", 404, 1ms);
  metrics_.http_request("unmatched", "", 12345, 1ms);
  const std::string text = metrics_.text();
  EXPECT_THAT(text, HasSubstr("{method=\"other\",route=\"unmatched\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("{method=\"other\",route=\"unmatched\",status=\"other\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("BREW")));
}

TEST_F(MetricsTest, the_number_of_series_is_bounded_and_no_count_is_lost) {
  for (int i = 0; i < 5'000; ++i)
    metrics_.aborted("reason " + std::to_string(i));
  const std::string text = metrics_.text();
  std::size_t series = 0;
  for (std::size_t at = 0; (at = text.find("\npanier_aborted_total{", at)) != std::string::npos;
       ++at)
    ++series;
  EXPECT_EQ(series, 512U);
  EXPECT_THAT(text, HasSubstr("panier_aborted_total{reason=\"other\"} 4489"));
}

TEST_F(MetricsTest, the_process_is_seen) {
  const std::string text = metrics_.text();
  for (const std::string_view name :
       {"process_resident_memory_bytes", "process_open_fds", "process_max_fds"}) {
    const std::size_t at = text.find("\n" + std::string(name) + " ");
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_GT(std::stod(text.substr(at + name.size() + 2)), 0) << name;
  }
}

TEST_F(MetricsTest, threads_count_together) {
  constexpr int threads = 4;
  constexpr int each = 2'000;
  {
    std::vector<std::jthread> all;
    all.reserve(threads);
    for (int t = 0; t < threads; ++t)
      all.emplace_back([this] {
        for (int i = 0; i < each; ++i)
          metrics_.operation("add", i % 2 == 0 ? "ok" : "overloaded");
      });
  }
  EXPECT_THAT(metrics_.text(), HasSubstr("{operation=\"add\",result=\"ok\"} 4000"));
  EXPECT_THAT(metrics_.text(), HasSubstr("{operation=\"add\",result=\"overloaded\"} 4000"));
}

} // namespace
} // namespace panier::runtime
