#include "app/application.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include "api/cart_api.hpp"
#include "api/ops_api.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"

namespace panier::app {
namespace {

using namespace std::chrono_literals;
using commit::Policy;

// The commit path answers before the transport would: only it can tell "certainly not done" from
// "nobody knows".
constexpr auto answer_margin = 500ms;

// What stop() spends, at most: requests in flight, then what the lanes hold, then one hanging
// driver call.
constexpr auto requests_grace = 4'000ms;
constexpr auto lanes_drain = 1'500ms;
constexpr auto driver_call_max = 3'500ms;
static_assert(requests_grace + http::Server::last_words + lanes_drain + driver_call_max <
              Application::stop_max);

// Fresh for every process: a lane row of this name is ours and nobody else's.
std::string fresh_instance() {
  return runtime::hex(runtime::random_bytes<8>());
}

Policy policy_of(const config::Config& config) {
  return config.write_policy == config::WritePolicy::strict ? Policy::strict : Policy::available;
}

commit::Timing timing_of(const config::Config& config) {
  const auto margin = std::min<std::chrono::milliseconds>(
      answer_margin, (config.request_timeout - config.reservation_ttl) / 2);
  return {.mirror_timeout = config.mirror_timeout,
          .reservation_ttl = config.reservation_ttl,
          .request_timeout = config.request_timeout - margin,
          .park_retry = config.park_retry};
}

upkeep::Stores upkeep_stores(const config::Config& config, const runtime::Clock& clock,
                             runtime::Metrics& metrics, runtime::StoreState& ledger_state,
                             runtime::StoreState& mirror_state, OpenStores& stores) {
  return {.clock = clock,
          .metrics = metrics,
          .ledger_state = ledger_state,
          .mirror_state = mirror_state,
          .ledger = stores.ledger->connect(),
          .mirror = stores.mirror ? stores.mirror->connect() : nullptr,
          .ids = commit::system_ids(clock),
          .mirror_timeout = config.mirror_timeout,
          .reservation_ttl = config.reservation_ttl};
}

// What the stores, the logs and the ops listener may need: clients never get these descriptors, so
// that no crowd of them keeps a store from reconnecting or an operator out.
constexpr std::size_t descriptors_reserved = 256;

// And for the articles service: all that are asked at once, those kept for reuse, libcurl's own.
constexpr std::size_t article_descriptors_reserved =
    catalogue::Catalogue::requests_at_once_max + 80;

std::size_t connections_max(std::size_t wanted, bool articles) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const std::size_t descriptors = limit.rlim_cur;
  const std::size_t reserved = std::min(
      descriptors_reserved + (articles ? article_descriptors_reserved : 0), descriptors / 2);
  return std::min(wanted, descriptors - reserved);
}

http::Settings cart_server(const config::Config& config) {
  http::Settings settings;
  settings.host = config.host;
  settings.port = config.port;
  settings.threads = static_cast<unsigned>(config.threads);
  settings.request_timeout = config.request_timeout;
  settings.idle_timeout = config.idle_timeout;
  settings.headers_bytes_max = config.headers_bytes_max;
  settings.body_bytes_max = config.body_bytes_max;
  settings.connections_max =
      connections_max(settings.connections_max, !config.article_urls.empty());
  return settings;
}

http::Settings ops_server(const config::Config& config) {
  http::Settings settings;
  settings.host = config.ops_host;
  settings.port = config.ops_port;
  settings.threads = 1;
  settings.connections_max = 64;
  return settings;
}

http::Hooks hooks(runtime::Metrics* metrics) {
  http::Hooks hooks;
  if (metrics) {
    hooks.finished = [metrics](const http::Finished& finished) {
      metrics->http_request(finished.route, http::to_string(finished.method), finished.status,
                            finished.duration);
    };
  }
  hooks.trouble = [](const Error& error) {
    runtime::log::warn("http", {{"error", to_string(error.code)}, {"detail", error.detail}});
  };
  return hooks;
}

api::ApiSettings api_settings(const config::Config& config) {
  api::ApiSettings settings;
  settings.cors_origins = config.cors.any ? std::vector<std::string>{"*"} : config.cors.origins;
  settings.cors = config.cors.on;
  settings.has_mirror = config.mirror != config::MirrorKind::none;
  return settings;
}

std::unique_ptr<catalogue::Catalogue> make_articles(const config::Config& config,
                                                    const runtime::Clock& clock,
                                                    runtime::Metrics& metrics) {
  if (config.article_urls.empty()) return nullptr;
  catalogue::Catalogue::Settings settings{.sources = {},
                                          .timeout = config.article_timeout,
                                          .cache = {.fresh = config.article_fresh,
                                                    .stale = config.article_stale,
                                                    .bytes_max = config.article_cache_bytes_max}};
  for (const auto& [name, url] : config.article_urls)
    settings.sources.push_back({.name = name, .url = url});
  return std::make_unique<catalogue::Catalogue>(
      std::move(settings), clock, metrics,
      catalogue::make_curl_wire({.body_bytes_max = config.article_body_bytes_max}));
}

service::UnknownStock unknown_stock_of(const config::Config& config) {
  return config.stock_unknown == config::StockUnknown::accept ? service::UnknownStock::accept
                                                              : service::UnknownStock::refuse;
}

// A place for the failure log must exist before anything is started: without it an operator would
// learn too late.
Result<void> check_failed_log(const std::filesystem::path& path) {
  const auto dir = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code error;
  if (std::filesystem::create_directories(dir, error)) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
  }
  if (::access(dir.c_str(), W_OK | X_OK) == 0) return {};
  return fail(Errc::config_invalid, "the directory " + dir.string() + " cannot be made or written",
              "PANIER_FAILED_LOG");
}

} // namespace

Result<std::unique_ptr<Application>> Application::build(const config::Config& config,
                                                        const std::string& version) {
  static const runtime::SystemClock
      clock; // of the stores, which outlive the application's own members
  auto stores = open_stores(config, clock, Access::serve);
  if (!stores) return std::unexpected(stores.error());
  if (auto usable = check_failed_log(config.failed_log); !usable)
    return std::unexpected(usable.error());
  const auto prepared = stores->ledger->prepare();
  if (!prepared) {
    const auto& error = prepared.error();
    // An embedded ledger that cannot be opened will not come back by itself; a server may.
    if (error.code == Errc::schema_unmigrated || stores->ledger->exclusive())
      return std::unexpected(error);
    runtime::log::error("the ledger does not answer at start; the service starts without it",
                        {{"store", stores->ledger->name()},
                         {"error", to_string(error.code)},
                         {"detail", error.detail}});
  }
  std::unique_ptr<Application> app(
      new Application(config, version, std::move(*stores), prepared.has_value()));
  if (prepared &&
      app->stores_.ledger->exclusive()) { // nobody else lives, so every list is of the dead
    if (const auto aborted = app->upkeep_.abort_all_lists(); !aborted)
      runtime::log::error("lists of the last run are still there; upkeep goes on trying",
                          {{"store", app->stores_.ledger->name()},
                           {"error", to_string(aborted.error().code)},
                           {"detail", aborted.error().detail}});
  }
  return app;
}

Application::Application(const config::Config& config, const std::string& version,
                         OpenStores stores, bool prepared)
    : config_(config), instance_(fresh_instance()), stores_(std::move(stores)),
      ledger_state_(std::string(stores_.ledger->name()), clock_),
      mirror_state_(stores_.mirror ? std::string(stores_.mirror->name()) : "", clock_),
      metrics_(version, clock_), failures_(config.failed_log, clock_), policy_(policy_of(config)),
      path_({.instance = instance_, .lanes = config.lanes, .queue_max = config.queue_max},
            {.clock = clock_,
             .metrics = metrics_,
             .ledger_state = ledger_state_,
             .mirror_state = mirror_state_,
             .policy = policy_,
             .timing = timing_of(config),
             .limits = {.lines_max = config.lines_max}},
            *stores_.ledger, stores_.mirror.get()),
      upkeep_(upkeep_stores(config, clock_, metrics_, ledger_state_, mirror_state_, stores_),
              {.keep = config.keys_ttl,
               .cart_ttl = config.cart_ttl,
               .verify_rows_per_s = static_cast<int>(config.verify_rows_per_s)},
              [this](commit::WriteRequest request, commit::WriteDone done) {
                path_.submit(std::move(request), std::move(done));
              }),
      ledger_probe_(clock_, *stores_.ledger, ledger_state_, prepared, stores_.mirror.get()),
      articles_(make_articles(config, clock_, metrics_)),
      service_({.clock = clock_,
                .path = path_,
                .ledger_state = ledger_state_,
                .mirror_state = stores_.mirror ? &mirror_state_ : nullptr,
                .policy = policy_,
                .failures = failures_,
                .articles = articles_.get(),
                .unknown_stock = unknown_stock_of(config),
                .request_timeout = timing_of(config).request_timeout,
                .lag = [this] { return upkeep_.lag(); },
                .instance = instance_,
                .version = version}),
      cart_router_(api::make_cart_router(service_, api_settings(config))),
      ops_router_(api::make_ops_router(service_, [this] { return metrics_.text(); })),
      ops_(ops_server(config), ops_router_, hooks(nullptr)),
      carts_(cart_server(config), cart_router_, hooks(&metrics_)) {
  if (stores_.mirror) {
    mirror_probe_.emplace(clock_, *stores_.mirror, mirror_state_, config_.mirror_timeout);
    metrics_.watch(mirror_state_);
  }
  metrics_.watch(ledger_state_);
  metrics_.watch_failure_log([this] { return failures_.left_out(); });
}

Application::~Application() {
  stop();
}

Result<void> Application::start() {
  running_ = true;
  // The stores are asked once before the first request, so that health tells the truth from the
  // start; a store that hangs costs a timeout.
  ledger_probe_.run_once();
  if (mirror_probe_) mirror_probe_->run_once();
  path_.start();
  if (articles_) articles_->start();
  upkeep_.start();
  ledger_probe_.start();
  if (mirror_probe_) mirror_probe_->start();
  if (auto listening = ops_.start(); !listening) return listening;
  runtime::log::info("ops listening", {{"host", config_.ops_host}, {"port", ops_.port()}});
  if (auto listening = carts_.start(); !listening) return listening;
  runtime::log::info("listening", {{"host", config_.host},
                                   {"port", carts_.port()},
                                   {"ledger", stores_.ledger->name()},
                                   {"mirror", stores_.mirror ? stores_.mirror->name() : "none"},
                                   {"policy", policy_ == Policy::strict ? "strict" : "available"},
                                   {"lanes", config_.lanes},
                                   {"instance", instance_}});
  return {};
}

void Application::stop() {
  if (!running_) return;
  running_ = false;
  // Upkeep may hang in a driver call: it ends beside the rest.
  std::thread background([this] {
    ledger_probe_.request_stop();
    if (mirror_probe_) mirror_probe_->request_stop();
    upkeep_.stop();
    ledger_probe_.stop();
    if (mirror_probe_) mirror_probe_->stop();
  });
  carts_.stop(requests_grace);
  // Before the lanes: a write that waits for its stock is answered while they can still take it.
  if (articles_) articles_->stop();
  path_.stop(lanes_drain);
  background.join();
  ops_.stop(0ms);
  runtime::log::info("stopped", {{"instance", instance_}});
}

} // namespace panier::app
