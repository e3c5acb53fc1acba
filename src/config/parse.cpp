// From text to Config: gather (environment over file), set (the table), then what concerns several
// settings at once.
#include "config/config.hpp"
#include "config/env_file.hpp"
#include "config/settings.hpp"
#include "config/values.hpp"

namespace panier::config {
namespace {

struct Given {
  std::string value;
  Source source;
};
using AllGiven = std::map<std::string, Given, std::less<>>;

constexpr std::string_view our_prefix = "PANIER_";
// The test suites' own (PANIER_TEST_MONGO_URI); they start this program in their environment.
constexpr std::string_view test_prefix = "PANIER_TEST_";

std::unexpected<Error> wrong(std::string_view key, std::string detail) {
  return fail(Errc::config_invalid, std::move(detail), std::string(key));
}

Result<void> check_key(std::string_view key) {
  if (find_setting(key) != nullptr || !key.starts_with(our_prefix) || key.starts_with(test_prefix))
    return {};
  const std::string shown = quoted(key); // it may hold anything
  const Setting* nearest = nearest_setting(key);
  return wrong(shown.substr(1, shown.size() - 2),
               nearest == nullptr
                   ? "there is no such setting"
                   : "there is no such setting; did you mean " + std::string(nearest->key) + "?");
}

bool in_quotes(std::string_view value) {
  return value.size() >= 2 && value.front() == value.back() &&
         (value.front() == '"' || value.front() == '\'');
}

Result<void> gather_file(std::string_view text, AllGiven& all, std::vector<std::string>& warnings) {
  const auto assignments = parse_env_file(text);
  if (!assignments) return std::unexpected(assignments.error());
  for (const Assignment& assignment : *assignments) {
    if (const auto known = check_key(assignment.key); !known) return known;
    const bool first =
        all.insert_or_assign(assignment.key, Given{assignment.value, Source::file}).second;
    if (!first && find_setting(assignment.key) != nullptr)
      warnings.push_back(assignment.key + " stands more than once in the .env file; line " +
                         std::to_string(assignment.line) + " counts");
  }
  return {};
}

Result<void> gather_environment(const Environment& environment, AllGiven& all) {
  for (const auto& [key, value] : environment) {
    if (const auto known = check_key(key); !known) return known;
    if (find_setting(key) == nullptr) continue;
    if (in_quotes(value)) return wrong(key, "is in quotes; they are taken off in a .env file only");
    all.insert_or_assign(key, Given{value, Source::environment});
  }
  return {};
}

// In the table's order, so that what is told first does not depend on the alphabet.
Result<void> set_all(const AllGiven& all, Config& config) {
  for (const Setting& setting : settings()) {
    const auto given = all.find(setting.key);
    if (given == all.end()) continue;
    if (given->second.value.empty())
      return wrong(setting.key, "is present but empty; give it a value or leave it out");
    if (auto set = setting.set(config, given->second.value, setting); !set)
      return wrong(setting.key, std::move(set.error().detail));
    config.sources.emplace(setting.key, given->second.source);
  }
  return {};
}

bool given(const Config& config, std::string_view key) {
  return config.sources.contains(key);
}

Result<void> check_mariadb_complete(const Config& config) {
  if (!config.mariadb) return {};
  for (const std::string_view key :
       {"DB_LOCAL_HOST", "DB_LOCAL_LOGIN", "DB_LOCAL_PASSWORD", "DB_LOCAL_NAME"})
    if (!given(config, key)) return wrong(key, "is missing; other DB_LOCAL_ settings are there");
  return {};
}

// A missing .env file must never become a private cart in a throw-away container: SQLite is chosen
// by itself only where no server is named at all.
Result<void> choose_ledger(Config& config) {
  const bool server = config.mariadb.has_value();
  if (given(config, "PANIER_LEDGER")) {
    if (config.ledger == LedgerKind::mariadb && !server)
      return wrong("DB_LOCAL_HOST",
                   "is missing; PANIER_LEDGER=mariadb needs the DB_LOCAL_ settings");
    if (config.ledger == LedgerKind::sqlite && server)
      config.warnings.emplace_back("DB_LOCAL_* are set but not used: PANIER_LEDGER=sqlite");
    return {};
  }
  if (!server && config.mongodb)
    return wrong("DB_LOCAL_HOST",
                 "is missing; MONGO_URI_PANIERS is there (or say PANIER_LEDGER=sqlite)");
  config.ledger = server ? LedgerKind::mariadb : LedgerKind::sqlite;
  return {};
}

Result<void> choose_mirror(Config& config) {
  const bool server = config.mongodb.has_value();
  if (given(config, "PANIER_MIRROR")) {
    if (config.mirror == MirrorKind::mongodb && !server)
      return wrong("MONGO_URI_PANIERS", "is missing; PANIER_MIRROR=mongodb needs it");
    if (config.mirror != MirrorKind::mongodb && server)
      config.warnings.push_back("MONGO_URI_PANIERS is set but not used: PANIER_MIRROR=" +
                                std::string(to_string(config.mirror)));
    if (config.mirror == MirrorKind::none)
      config.warnings.emplace_back("there is no second copy of the carts: PANIER_MIRROR=none");
    return {};
  }
  if (!server && config.mariadb)
    return wrong("MONGO_URI_PANIERS",
                 "is missing; DB_LOCAL_HOST is there (or say PANIER_MIRROR=sqlite or none)");
  config.mirror = server ? MirrorKind::mongodb : MirrorKind::sqlite;
  return {};
}

void settle_lanes(Config& config) {
  if (config.ledger == LedgerKind::mariadb && !given(config, "PANIER_LANES"))
    config.lanes = defaults::lanes_mariadb;
}

struct Ordered {
  std::string_view lesser;
  std::string_view greater;
  std::chrono::milliseconds Config::* lesser_member;
  std::chrono::milliseconds Config::* greater_member;
};
constexpr Ordered ordered[] = {
    {"PANIER_PARK_RETRY_MS", "PANIER_MIRROR_TIMEOUT_MS", &Config::park_retry,
     &Config::mirror_timeout},
    {"PANIER_MIRROR_TIMEOUT_MS", "PANIER_RESERVATION_TTL_MS", &Config::mirror_timeout,
     &Config::reservation_ttl},
    {"PANIER_RESERVATION_TTL_MS", "PANIER_REQUEST_TIMEOUT_MS", &Config::reservation_ttl,
     &Config::request_timeout},
    {"PANIER_REQUEST_TIMEOUT_MS", "PANIER_IDLE_TIMEOUT_MS", &Config::request_timeout,
     &Config::idle_timeout},
};

std::string ms_text(std::chrono::milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

Result<void> check_times(Config& config) {
  for (const Ordered& pair : ordered) {
    const auto lesser = config.*pair.lesser_member;
    const auto greater = config.*pair.greater_member;
    if (lesser < greater) continue;
    // Named is the one that was given: the other may well be a default that nobody thought of.
    const bool name_lesser = given(config, pair.lesser);
    const std::string relation = name_lesser ? "must be less than " : "must be more than ";
    const std::string other(name_lesser ? pair.greater : pair.lesser);
    return wrong(name_lesser ? pair.lesser : pair.greater,
                 relation + other + " (" + ms_text(name_lesser ? greater : lesser) + "), not " +
                     ms_text(name_lesser ? lesser : greater));
  }
  if (config.request_timeout >= defaults::nginx_timeout)
    config.warnings.push_back(
        "PANIER_REQUEST_TIMEOUT_MS is not below nginx's usual proxy_read_timeout of " +
        ms_text(defaults::nginx_timeout));
  if (config.idle_timeout <= defaults::nginx_timeout)
    config.warnings.push_back(
        "PANIER_IDLE_TIMEOUT_MS is not above nginx's usual keepalive_timeout of " +
        ms_text(defaults::nginx_timeout));
  return {};
}

Result<void> check_listeners(const Config& config) {
  const auto every = [](const std::string& host) { return host == "::" || host == "0.0.0.0"; };
  const bool same_host =
      config.host == config.ops_host || every(config.host) || every(config.ops_host);
  if (config.port == config.ops_port && config.port != 0 && same_host)
    return wrong("PANIER_OPS_PORT", "must not be PANIER_PORT (" + std::to_string(config.port) +
                                        ") on the same address");
  return {};
}

// Only where there is an articles service: otherwise a short request timeout concerns none of
// these.
Result<void> check_articles(const Config& config) {
  if (config.article_urls.empty()) return {};
  if (config.article_timeout >= config.request_timeout)
    return wrong("PANIER_ARTICLE_TIMEOUT_MS", "must be less than PANIER_REQUEST_TIMEOUT_MS (" +
                                                  ms_text(config.request_timeout) + "), not " +
                                                  ms_text(config.article_timeout));
  if (config.article_stale < config.article_fresh)
    return wrong("PANIER_ARTICLE_STALE_S", "must not be less than PANIER_ARTICLE_FRESH_S (" +
                                               std::to_string(config.article_fresh.count()) +
                                               " s), not " +
                                               std::to_string(config.article_stale.count()) + " s");
  return {};
}

void note_unused(Config& config) {
  for (const std::string_view key :
       {"PANIER_ARTICLE_TIMEOUT_MS", "PANIER_ARTICLE_FRESH_S", "PANIER_ARTICLE_STALE_S",
        "PANIER_ARTICLE_CACHE_MAX_BYTES", "PANIER_ARTICLE_BODY_MAX_BYTES", "PANIER_STOCK_UNKNOWN"})
    if (config.article_urls.empty() && given(config, key))
      config.warnings.push_back(std::string(key) + " has no effect without URL_ARTICLE_*");
  if (config.cors.on && given(config, "PANIER_CORS") && !config.cors.enabled())
    config.warnings.emplace_back("PANIER_CORS=on has no effect without CORS_ORIGINS");
}

} // namespace

Result<Config> parse(const Input& input) {
  Config config;
  AllGiven all;
  Result<void> done{};
  const auto then = [&done](auto&& step) {
    if (done) done = step();
  };
  config.threads = std::clamp(static_cast<int>(std::min(input.cores, 1024U)), defaults::threads_min,
                              defaults::threads_max);
  then(
      [&] { return input.file ? gather_file(*input.file, all, config.warnings) : Result<void>{}; });
  then([&] { return gather_environment(input.environment, all); });
  then([&] { return set_all(all, config); });
  then([&] { return check_mariadb_complete(config); });
  then([&] { return choose_ledger(config); });
  then([&] { return choose_mirror(config); });
  then([&] { return check_times(config); });
  then([&] { return check_listeners(config); });
  then([&] { return check_articles(config); });
  if (!done) return std::unexpected(done.error());
  settle_lanes(config);
  if (!given(config, "PANIER_FAILED_LOG"))
    config.failed_log = config.data_dir / "failed_cart_requests.log";
  note_unused(config);
  return config;
}

} // namespace panier::config
