#include "config/settings.hpp"

#include "config/mongo_uri.hpp"
#include "config/values.hpp"

namespace panier::config {
namespace {

constexpr std::size_t login_bytes_max = 128;
constexpr std::size_t password_bytes_max = 256;
constexpr std::size_t database_bytes_max = 64;
constexpr std::size_t path_bytes_max = 1024;

using Text = std::string_view;

template <class T, class Into>
Result<void> put(Result<T> value, Into into) {
  if (!value) return std::unexpected(std::move(value).error());
  into(*std::move(value));
  return {};
}

// A number or a duration, by its member of Config.
template <auto member>
Result<void> set_number(Config& config, Text text, const Setting& setting) {
  const auto number = whole_number(text, setting.min, setting.max, setting.unit);
  if (!number) return std::unexpected(number.error());
  using Type = std::remove_reference_t<decltype(config.*member)>;
  config.*member = Type(*number); // min and max fit the type
  return {};
}
template <auto member>
std::string show_number(const Config& config) {
  if constexpr (requires { (config.*member).count(); })
    return std::to_string((config.*member).count());
  else
    return std::to_string(config.*member);
}

template <auto member>
Result<void> set_address(Config& config, Text text, const Setting&) {
  return put(ip_address(text), [&](std::string address) { config.*member = std::move(address); });
}
template <auto member>
std::string show_text(const Config& config) {
  return config.*member;
}

template <auto member>
Result<void> set_path(Config& config, Text text, const Setting&) {
  return put(plain_text(text, path_bytes_max),
             [&](const std::string& path) { config.*member = path; });
}
template <auto member>
std::string show_path(const Config& config) {
  return (config.*member).string();
}

// One of an enum's values, by their names in to_string().
template <auto member, auto... values>
Result<void> set_choice(Config& config, Text text, const Setting& setting) {
  const bool known = ((text == to_string(values) && (config.*member = values, true)) || ...);
  if (known) return {};
  return fail(Errc::config_invalid,
              "must be " + std::string(setting.values) + ", not " + quoted(text));
}
template <auto member>
std::string show_choice(const Config& config) {
  return std::string(to_string(config.*member));
}

MariaDb& mariadb(Config& config) {
  return config.mariadb ? *config.mariadb : config.mariadb.emplace();
}

Result<void> set_db_host(Config& config, Text text, const Setting&) {
  return put(host_name(text), [&](std::string host) { mariadb(config).host = std::move(host); });
}
std::string show_db_host(const Config& config) {
  return config.mariadb ? config.mariadb->host : "";
}

Result<void> set_db_login(Config& config, Text text, const Setting&) {
  return put(plain_text(text, login_bytes_max),
             [&](std::string login) { mariadb(config).login = std::move(login); });
}
std::string show_db_login(const Config& config) {
  return config.mariadb ? config.mariadb->login : "";
}

Result<void> set_db_password(Config& config, Text text, const Setting&) {
  return put(plain_text(text, password_bytes_max),
             [&](std::string password) { mariadb(config).password = Secret(std::move(password)); });
}
std::string show_db_password(const Config& config) {
  return config.mariadb ? Secret::mask : "";
}

Result<void> set_db_name(Config& config, Text text, const Setting&) {
  return put(plain_text(text, database_bytes_max),
             [&](std::string name) { mariadb(config).database = std::move(name); });
}
std::string show_db_name(const Config& config) {
  return config.mariadb ? config.mariadb->database : "";
}

Result<void> set_db_port(Config& config, Text text, const Setting& setting) {
  return put(whole_number(text, setting.min, setting.max, setting.unit),
             [&](std::int64_t port) { mariadb(config).port = static_cast<std::uint16_t>(port); });
}
std::string show_db_port(const Config& config) {
  return config.mariadb ? std::to_string(config.mariadb->port) : "";
}

Result<void> set_mongo_uri(Config& config, Text text, const Setting&) {
  return put(parse_mongo_uri(text), [&](MongoDb mongodb) { config.mongodb = std::move(mongodb); });
}
std::string show_mongo_uri(const Config& config) {
  return config.mongodb ? config.mongodb->shown : "";
}

Result<void> set_origins(Config& config, Text text, const Setting&) {
  config.cors.any = text == "*";
  if (config.cors.any) return {};
  return put(origins(text),
             [&](std::vector<std::string> all) { config.cors.origins = std::move(all); });
}
std::string show_origins(const Config& config) {
  if (config.cors.any) return "*";
  std::string all;
  for (const std::string& origin : config.cors.origins)
    all += (all.empty() ? "" : ",") + origin;
  return all;
}

Result<void> set_cors(Config& config, Text text, const Setting&) {
  config.cors.on = text == "on";
  if (config.cors.on || text == "off") return {};
  return fail(Errc::config_invalid, "must be on or off, not " + quoted(text));
}
std::string show_cors(const Config& config) {
  return config.cors.on ? "on" : "off";
}

Result<void> set_article_url(Config& config, Text text, const Setting& setting) {
  return put(http_url(text), [&](std::string url) {
    config.article_urls.insert_or_assign(std::string(setting.key), std::move(url));
  });
}
// Four settings, one function: which of them is shown is said by its key.
template <std::size_t length>
struct Key {
  char text[length]{};
  constexpr Key(const char (&from)[length]) { std::copy_n(from, length, text); }
};
template <Key key>
std::string show_article_url(const Config& config) {
  const auto found = config.article_urls.find(std::string_view(key.text));
  return found == config.article_urls.end() ? "" : found->second;
}

constexpr auto set_ledger = set_choice<&Config::ledger, LedgerKind::mariadb, LedgerKind::sqlite>;
constexpr auto set_mirror =
    set_choice<&Config::mirror, MirrorKind::mongodb, MirrorKind::sqlite, MirrorKind::none>;
constexpr auto set_policy =
    set_choice<&Config::write_policy, WritePolicy::strict, WritePolicy::available>;
constexpr auto set_stock_unknown =
    set_choice<&Config::stock_unknown, StockUnknown::refuse, StockUnknown::accept>;
constexpr auto set_log_level = set_choice<&Config::log_level, LogLevel::debug, LogLevel::info,
                                          LogLevel::warn, LogLevel::error>;

template <auto member>
constexpr Setting number(Text key, Text unit, std::int64_t min, std::int64_t max, Text doc,
                         Text default_text = "") {
  return {key, unit, "", min, max, default_text, doc, set_number<member>, show_number<member>};
}

constexpr Setting table[] = {
    // The stores. Both servers' settings, or none: then two SQLite files in PANIER_DATA_DIR.
    {"MONGO_URI_PANIERS", "", "mongodb://[user:password@]host[:port][/database]", 0, 0, "not set",
     "MongoDB, the mirror; without a database in its path: Paniers.", set_mongo_uri,
     show_mongo_uri},
    {"DB_LOCAL_HOST", "", "host name or address", 0, 0, "not set",
     "MariaDB, the ledger: its host, reached by TCP, localhost too.", set_db_host, show_db_host},
    {"DB_LOCAL_PORT", "", "", 1, 65'535, "3306", "MariaDB's port.", set_db_port, show_db_port},
    {"DB_LOCAL_LOGIN", "", "1-128 bytes", 0, 0, "not set", "MariaDB's user.", set_db_login,
     show_db_login},
    {"DB_LOCAL_PASSWORD", "", "1-256 bytes", 0, 0, "not set", "Its password.", set_db_password,
     show_db_password},
    {"DB_LOCAL_NAME", "", "1-64 bytes", 0, 0, "not set", "MariaDB's database.", set_db_name,
     show_db_name},
    {"PANIER_LEDGER", "", "mariadb | sqlite", 0, 0,
     "mariadb where DB_LOCAL_* are set, sqlite where no server is", "The store that decides.",
     set_ledger, show_choice<&Config::ledger>},
    {"PANIER_MIRROR", "", "mongodb | sqlite | none", 0, 0,
     "mongodb where MONGO_URI_PANIERS is set, sqlite where no server is", "The second copy.",
     set_mirror, show_choice<&Config::mirror>},
    {"PANIER_DATA_DIR", "", "path", 0, 0, "", "The SQLite files; made, 0700, when absent.",
     set_path<&Config::data_dir>, show_path<&Config::data_dir>},
    {"PANIER_FAILED_LOG", "", "path", 0, 0, "PANIER_DATA_DIR/failed_cart_requests.log",
     "Cart requests that a store failed; opened anew on SIGHUP.", set_path<&Config::failed_log>,
     show_path<&Config::failed_log>},
    // Where it listens.
    {"PANIER_HOST", "", "IPv4 or IPv6 address", 0, 0, "",
     "Where carts are served; :: is every address, IPv4 too.", set_address<&Config::host>,
     show_text<&Config::host>},
    number<&Config::port>("PANIER_PORT", "", 0, 65'535,
                          "Its port; 0 takes a free one, named in the log."),
    {"PANIER_OPS_HOST", "", "IPv4 or IPv6 address", 0, 0, "",
     "Where /metrics, /livez, /readyz and /policy are served.", set_address<&Config::ops_host>,
     show_text<&Config::ops_host>},
    number<&Config::ops_port>("PANIER_OPS_PORT", "", 0, 65'535,
                              "Its port; 0 takes a free one, named in the log."),
    // How carts are written.
    {"PANIER_WRITE_POLICY", "", "strict | available", 0, 0, "",
     "strict: acknowledged when both stores hold it; available: when the ledger does.", set_policy,
     show_choice<&Config::write_policy>},
    number<&Config::lanes>(
        "PANIER_LANES", "", 1, 64,
        "Threads that write; with MariaDB and MongoDB each has its own connection.",
        "4 with MariaDB, 2 with SQLite"),
    number<&Config::threads>("PANIER_THREADS", "", 1, 64, "Threads that serve HTTP.",
                             "one a core, from 2 to 16"),
    number<&Config::mirror_timeout>("PANIER_MIRROR_TIMEOUT_MS", "ms", 50, 30'000,
                                    "A mirror write, from its sending, which a stop waits for; "
                                    "less than PANIER_RESERVATION_TTL_MS."),
    number<&Config::reservation_ttl>("PANIER_RESERVATION_TTL_MS", "ms", 100, 60'000,
                                     "How long a lane may hold a cart before others abort it; less "
                                     "than PANIER_REQUEST_TIMEOUT_MS."),
    number<&Config::request_timeout>("PANIER_REQUEST_TIMEOUT_MS", "ms", 200, 300'000,
                                     "From a request's first byte to its answer; less than "
                                     "PANIER_IDLE_TIMEOUT_MS, and than the proxy's own timeout."),
    number<&Config::idle_timeout>(
        "PANIER_IDLE_TIMEOUT_MS", "ms", 500, 3'600'000,
        "A connection without a request; more than the proxy keeps one (nginx: 60 s)."),
    number<&Config::park_retry>("PANIER_PARK_RETRY_MS", "ms", 1, 200,
                                "First wait for a cart that another lane holds; grows to 200."),
    number<&Config::queue_max>("PANIER_QUEUE_MAX", "operations", 1, 100'000,
                               "Unanswered, for each lane; above it, 503."),
    // Limits of carts and requests.
    number<&Config::lines_max>("PANIER_LINES_MAX", "lines", 1, 1'000, "Of one cart."),
    number<&Config::body_bytes_max>("PANIER_BODY_MAX_BYTES", "bytes", 1'024, 1'048'576,
                                    "Of one request's body."),
    number<&Config::headers_bytes_max>("PANIER_HEADERS_MAX_BYTES", "bytes", 1'024, 65'536,
                                       "Of one request's line and headers."),
    // Upkeep.
    number<&Config::cart_ttl>("PANIER_CART_TTL_DAYS", "days", 0, 3'650,
                              "Carts not written for so long are deleted; 0: never."),
    number<&Config::keys_ttl>("PANIER_KEYS_TTL_HOURS", "hours", 1, 720,
                              "How long idempotency keys and deleted carts' identities are kept."),
    number<&Config::verify_rows_per_s>(
        "PANIER_VERIFY_ROWS_PER_S", "rows/s", 0, 100'000,
        "Pace of the continuous comparison of both stores; 0: none."),
    // The rest.
    {"PANIER_LOG_LEVEL", "", "debug | info | warn | error", 0, 0, "", "Least level that is logged.",
     set_log_level, show_choice<&Config::log_level>},
    {"CORS_ORIGINS", "", "* | origin,origin,..", 0, 0, "not set",
     "Browser origins that may call; not set: no CORS headers.", set_origins, show_origins},
    {"PANIER_CORS", "", "on | off", 0, 0, "",
     "off: no CORS headers in spite of CORS_ORIGINS, because the proxy adds its own.", set_cors,
     show_cors},
    {"URL_ARTICLE_DOCKER_1", "", "http(s) URL ending in /", 0, 0, "not set",
     "Articles service, first choice: names, prices, stock.", set_article_url,
     show_article_url<"URL_ARTICLE_DOCKER_1">},
    {"URL_ARTICLE_DOCKER_2", "", "http(s) URL ending in /", 0, 0, "not set",
     "Articles service, second choice.", set_article_url, show_article_url<"URL_ARTICLE_DOCKER_2">},
    {"URL_ARTICLE_SERVEUR_1", "", "http(s) URL ending in /", 0, 0, "not set",
     "Articles service, third choice.", set_article_url, show_article_url<"URL_ARTICLE_SERVEUR_1">},
    {"URL_ARTICLE_SERVEUR_2", "", "http(s) URL ending in /", 0, 0, "not set",
     "Articles service, fourth choice.", set_article_url,
     show_article_url<"URL_ARTICLE_SERVEUR_2">},
    number<&Config::article_timeout>(
        "PANIER_ARTICLE_TIMEOUT_MS", "ms", 50, 60'000,
        "An article, however many URLs are asked; less than PANIER_REQUEST_TIMEOUT_MS."),
    number<&Config::article_fresh>(
        "PANIER_ARTICLE_FRESH_S", "s", 1, 86'400,
        "An article is not asked for again so long, and stock is judged by it."),
    number<&Config::article_stale>("PANIER_ARTICLE_STALE_S", "s", 1, 604'800,
                                   "An older one is shown, marked, while it is asked for again; "
                                   "beyond this age it is not shown."),
    number<&Config::article_cache_bytes_max>("PANIER_ARTICLE_CACHE_MAX_BYTES", "bytes", 65'536,
                                             4'294'967'296, "Of all articles that are kept."),
    number<&Config::article_body_bytes_max>("PANIER_ARTICLE_BODY_MAX_BYTES", "bytes", 1'024,
                                            1'048'576,
                                            "Of one article; a larger one is not shown."),
    {"PANIER_STOCK_UNKNOWN", "", "refuse | accept", 0, 0, "",
     "What becomes of an add while the articles service does not tell the stock.",
     set_stock_unknown, show_choice<&Config::stock_unknown>},
};

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

} // namespace

std::span<const Setting> settings() {
  return table;
}

const Setting* find_setting(std::string_view key) {
  const auto* found = std::ranges::find(table, key, &Setting::key);
  return found == std::end(table) ? nullptr : found;
}

std::string limits_text(const Setting& setting) {
  if (!setting.values.empty()) return std::string(setting.values);
  return std::to_string(setting.min) + "-" + std::to_string(setting.max);
}

std::string default_text(const Setting& setting) {
  if (!setting.default_text.empty()) return std::string(setting.default_text);
  return setting.show(Config{});
}

const Setting* nearest_setting(std::string_view key) {
  constexpr std::size_t distance_max = 4;
  constexpr std::size_t key_bytes_max = 64;
  if (key.size() > key_bytes_max) return nullptr;
  const auto* nearest =
      std::ranges::min_element(table, {}, [&](const Setting& s) { return distance(s.key, key); });
  return distance(nearest->key, key) <= distance_max ? nearest : nullptr;
}

} // namespace panier::config
