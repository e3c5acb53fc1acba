#include "runtime/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include "runtime/labelled_series.hpp"
#include "runtime/log.hpp"
#include "runtime/process_stats.hpp"

namespace panier::runtime {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;
using Labels = std::map<std::string, std::string>;
template <class Metric>
using Family = prometheus::Family<Metric>;

// Seconds. From an in-memory answer to the request timeout (10 s by default).
const Buckets request_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                              0.1,    0.25,  0.5,    1,     2.5,  5,     10};
// Seconds. From a local SQLite commit to a store's read timeout.
const Buckets store_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                            0.025,  0.05,    0.1,    0.25,  0.5,    1,     3};
// Up to the batch limits of the commit path: 1,024 operations, 128 carts.
const Buckets batch_buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

double seconds(Metrics::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string_view known_method(std::string_view method) {
  static constexpr std::array known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  const auto* found = std::find(known.begin(), known.end(), method);
  return found == known.end() ? "other" : *found;
}

// Three digits without an allocation; anything else is no HTTP status.
std::string_view status_text(unsigned status, std::array<char, 3>& digits) {
  if (status < 100 || status > 999) return "other";
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  return {digits.data(), digits.size()};
}

// A count kept elsewhere, shown by a counter: raises the counter to it.
void raise(Counter& counter, std::uint64_t total) {
  const double behind = static_cast<double>(total) - counter.Value();
  if (behind > 0) counter.Increment(behind);
}

} // namespace

struct Metrics::Impl {
  Impl(std::string_view version, const Clock& clock);

  Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Counter& counter(const char* name, const char* help) { return counters(name, help).Add({}); }
  Gauge& gauge(const char* name, const char* help) { return gauges(name, help).Add({}); }
  Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return histograms(name, help).Add({}, buckets);
  }
  void refresh(); // what is read only when somebody asks

  struct Watched {
    const StoreState& state;
    Gauge& up;
    Gauge& writable;
    Gauge& latency;
  };

  // Set once; the metrics behind the references lock for themselves.
  prometheus::Registry registry;
  LabelledSeries<Counter, 3> http_requests;
  LabelledSeries<Histogram, 1> http_seconds;
  Gauge& queue_depth;
  Histogram& batch_operations;
  Histogram& batch_carts;
  Family<Histogram>& commit_seconds;
  Histogram& commit_open;
  Histogram& commit_commit;
  Histogram& mirror_seconds;
  Counter& parked;
  Counter& repeated;
  LabelledSeries<Counter, 1> aborted;
  LabelledSeries<Counter, 2> operations;
  LabelledSeries<Counter, 2> article_requests;
  Histogram& article_seconds;
  LabelledSeries<Counter, 1> article_lines;
  Gauge& article_cache_articles;
  Gauge& article_cache_bytes;
  LabelledSeries<Gauge, 1> article_source_up;
  Gauge& lag_carts;
  Gauge& quarantined_carts;
  Gauge& verify_differences;
  Counter& verify_found;
  Family<Gauge>& store_up;
  Family<Gauge>& store_writable;
  Family<Gauge>& store_latency;
  Counter& log_lines_lost;
  Counter& failure_log_left_out;
  Gauge& resident_bytes;
  Gauge& open_fds;
  Gauge& max_fds;
  Counter& cpu_seconds;

  std::mutex mutex;
  std::vector<Watched> watched;                     // guarded by mutex
  std::function<std::uint64_t()> failure_log_count; // guarded by mutex
};

Metrics::Impl::Impl(std::string_view version, const Clock& clock)
    : http_requests({"route", "method", "status"},
                    [&family = counters("panier_http_requests_total", "Requests answered.")](
                        const Labels& labels) -> Counter& { return family.Add(labels); }),
      http_seconds(
          {"route"},
          [&family = histograms("panier_http_request_duration_seconds",
                                "From the request's head to its answer.")](
              const Labels& labels) -> Histogram& { return family.Add(labels, request_buckets); }),
      queue_depth(gauge("panier_queue_depth", "Writes that are not answered yet.")),
      batch_operations(
          histogram("panier_batch_operations", "Operations in a lane's batch.", batch_buckets)),
      batch_carts(histogram("panier_batch_carts", "Carts in a lane's batch.", batch_buckets)),
      commit_seconds(
          histograms("panier_commit_duration_seconds", "The two halves of a ledger transaction.")),
      commit_open(commit_seconds.Add({{"phase", "open"}}, store_buckets)),
      commit_commit(commit_seconds.Add({{"phase", "commit"}}, store_buckets)),
      mirror_seconds(histogram("panier_mirror_duration_seconds", "One bulk write to the mirror.",
                               store_buckets)),
      parked(counter("panier_parked_total",
                     "Operations that waited because another lane held their cart.")),
      repeated(counter("panier_transactions_repeated_total",
                       "Ledger transactions of lanes that met somebody else's lock or change, and "
                       "were run again.")),
      aborted({"reason"},
              [&family = counters("panier_aborted_total", "Cart reservations that were aborted.")](
                  const Labels& labels) -> Counter& { return family.Add(labels); }),
      operations({"operation", "result"},
                 [&family = counters("panier_operations_total", "Cart operations answered.")](
                     const Labels& labels) -> Counter& { return family.Add(labels); }),
      article_requests({"url", "result"},
                       [&family = counters("panier_article_requests_total",
                                           "Requests to the articles service that ended.")](
                           const Labels& labels) -> Counter& { return family.Add(labels); }),
      article_seconds(histogram("panier_article_request_duration_seconds",
                                "One request to the articles service.", request_buckets)),
      article_lines({"state"},
                    [&family = counters("panier_article_lines_total",
                                        "Articles told to carts, by what is known of them.")](
                        const Labels& labels) -> Counter& { return family.Add(labels); }),
      article_cache_articles(gauge("panier_article_cache_articles", "Articles in the cache.")),
      article_cache_bytes(gauge("panier_article_cache_bytes", "What they take, about.")),
      article_source_up({"url"},
                        [&family = gauges("panier_article_source_up",
                                          "1: this URL of the articles service is asked.")](
                            const Labels& labels) -> Gauge& { return family.Add(labels); }),
      lag_carts(gauge("panier_lag_carts", "Carts whose mirror copy is known to be behind.")),
      quarantined_carts(gauge("panier_quarantined_carts",
                              "Carts that refuse writes for a day, or until a restart.")),
      verify_differences(gauge("panier_verify_differences",
                               "Carts that differed in the last complete comparison.")),
      verify_found(counter("panier_verify_found_total",
                           "Carts that a comparison found to differ, and set about repairing.")),
      store_up(gauges(
          "panier_store_up",
          "1: it answers, and takes what is written; 0: it does not, or was not asked yet.")),
      store_writable(gauges("panier_store_writable",
                            "0: it is not up, or a notice in its health forbids writes.")),
      store_latency(gauges("panier_store_latency_seconds", "Of the last call that was answered.")),
      log_lines_lost(counter("panier_log_lines_lost_total", "Log lines that nobody took in time.")),
      failure_log_left_out(
          counter("panier_failure_log_left_out_total", "Records kept out of the failure log.")),
      resident_bytes(gauge("process_resident_memory_bytes", "Resident memory.")),
      open_fds(gauge("process_open_fds", "Open file descriptors.")),
      max_fds(gauge("process_max_fds", "Most file descriptors that may be open.")),
      cpu_seconds(counter("process_cpu_seconds_total", "User and system time.")) {
  gauges("panier_build_info", "Always 1; the version is the label.")
      .Add({{"version", std::string(version)}})
      .Set(1);
  const std::chrono::duration<double> start = clock.wall().time_since_epoch();
  gauge("process_start_time_seconds", "Since 1970, UTC.").Set(start.count());
}

void Metrics::Impl::refresh() {
  std::lock_guard lock(mutex);
  for (const Watched& store : watched) {
    const StoreState::Snapshot snapshot = store.state.snapshot();
    store.up.Set(snapshot.status == StoreState::Status::up ? 1 : 0);
    const bool writable = snapshot.status != StoreState::Status::down && store.state.writable();
    store.writable.Set(writable ? 1 : 0);
    store.latency.Set(std::chrono::duration<double>(snapshot.latency).count());
  }
  raise(log_lines_lost, log::lost());
  if (failure_log_count) raise(failure_log_left_out, failure_log_count());
  const ProcessStats process = process_stats();
  resident_bytes.Set(static_cast<double>(process.resident_bytes));
  open_fds.Set(static_cast<double>(process.open_fds));
  max_fds.Set(static_cast<double>(process.max_fds));
  if (process.cpu_seconds > cpu_seconds.Value())
    cpu_seconds.Increment(process.cpu_seconds - cpu_seconds.Value());
}

Metrics::Metrics(std::string_view version, const Clock& clock)
    : impl_(std::make_unique<Impl>(version, clock)) {}
Metrics::~Metrics() = default;

void Metrics::http_request(std::string_view route, std::string_view method, unsigned status,
                           Duration took) {
  std::array<char, 3> digits{};
  impl_->http_requests.at({route, known_method(method), status_text(status, digits)}).Increment();
  impl_->http_seconds.at({route}).Observe(seconds(took));
}

void Metrics::queue_depth(std::size_t operations) {
  impl_->queue_depth.Set(static_cast<double>(operations));
}

void Metrics::batch(std::size_t operations, std::size_t carts) {
  impl_->batch_operations.Observe(static_cast<double>(operations));
  impl_->batch_carts.Observe(static_cast<double>(carts));
}

void Metrics::commit(CommitPhase phase, Duration took) {
  (phase == CommitPhase::open ? impl_->commit_open : impl_->commit_commit).Observe(seconds(took));
}

void Metrics::mirror_write(Duration took) {
  impl_->mirror_seconds.Observe(seconds(took));
}
void Metrics::parked(std::size_t operations) {
  impl_->parked.Increment(static_cast<double>(operations));
}

void Metrics::repeated() {
  impl_->repeated.Increment();
}

void Metrics::aborted(std::string_view reason, std::size_t carts) {
  impl_->aborted.at({reason}).Increment(static_cast<double>(carts));
}

void Metrics::operation(std::string_view operation, std::string_view result) {
  impl_->operations.at({operation, result}).Increment();
}

void Metrics::article_request(std::string_view source, std::string_view result, Duration took) {
  impl_->article_requests.at({source, result}).Increment();
  impl_->article_seconds.Observe(seconds(took));
}
void Metrics::article_lines(std::string_view state, std::size_t lines) {
  impl_->article_lines.at({state}).Increment(static_cast<double>(lines));
}
void Metrics::article_cache(std::size_t articles, std::size_t bytes) {
  impl_->article_cache_articles.Set(static_cast<double>(articles));
  impl_->article_cache_bytes.Set(static_cast<double>(bytes));
}
void Metrics::article_source(std::string_view source, bool usable) {
  impl_->article_source_up.at({source}).Set(usable ? 1 : 0);
}

void Metrics::lag_carts(std::int64_t carts) {
  impl_->lag_carts.Set(static_cast<double>(carts));
}
void Metrics::quarantined_carts(std::int64_t carts) {
  impl_->quarantined_carts.Set(static_cast<double>(carts));
}
void Metrics::verify_differences(std::int64_t carts) {
  impl_->verify_differences.Set(static_cast<double>(carts));
}

void Metrics::verify_found() {
  impl_->verify_found.Increment();
}

void Metrics::watch(const StoreState& store) {
  const Labels labels{{"store", store.snapshot().name}};
  std::lock_guard lock(impl_->mutex);
  impl_->watched.push_back({store, impl_->store_up.Add(labels), impl_->store_writable.Add(labels),
                            impl_->store_latency.Add(labels)});
}

void Metrics::watch_failure_log(std::function<std::uint64_t()> count) {
  std::lock_guard lock(impl_->mutex);
  impl_->failure_log_count = std::move(count);
}

std::string Metrics::text() const {
  impl_->refresh();
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
  return std::move(out).str();
}

} // namespace panier::runtime
