// What is in force: plain typed fields, made by parse() from the environment and a .env file. Pure:
// nothing here reads the environment, a file or the machine.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.hpp"
#include "result/result.hpp"

namespace panier::config {

enum class LedgerKind : std::uint8_t { mariadb, sqlite };
enum class MirrorKind : std::uint8_t { mongodb, sqlite, none };
enum class WritePolicy : std::uint8_t { strict, available };
enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class StockUnknown : std::uint8_t { refuse, accept };
enum class Source : std::uint8_t { by_default, file, environment };

[[nodiscard]] std::string_view to_string(LedgerKind kind) noexcept;
[[nodiscard]] std::string_view to_string(MirrorKind kind) noexcept;
[[nodiscard]] std::string_view to_string(WritePolicy policy) noexcept;
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
[[nodiscard]] std::string_view to_string(StockUnknown choice) noexcept;
[[nodiscard]] std::string_view
to_string(Source source) noexcept; // "default", "file", "environment"

namespace defaults {

using std::chrono::milliseconds;
inline constexpr milliseconds mirror_timeout{2'000};
inline constexpr milliseconds reservation_ttl{5'000};
inline constexpr milliseconds request_timeout{10'000};
inline constexpr milliseconds idle_timeout{75'000};
inline constexpr milliseconds park_retry{20};
// nginx's own proxy_read_timeout and keepalive_timeout of an upstream: not ours to set, but ours to
// fit in with.
inline constexpr milliseconds nginx_timeout{60'000};

// A mirror write ends while its reservation lives, so that its outcome can still be settled; a
// request outlives the reservation, so that its answer can be definite; and nginx hangs up neither
// on a request that we still answer nor on a connection that we are about to close (it would answer
// 502).
static_assert(park_retry < mirror_timeout);
static_assert(mirror_timeout < reservation_ttl);
static_assert(reservation_ttl < request_timeout);
static_assert(request_timeout < nginx_timeout);
static_assert(nginx_timeout < idle_timeout);

inline constexpr int lanes_mariadb = 4;
// One has the ledger while the other writes its mirror; a third would only wait for them.
inline constexpr int lanes_sqlite = 2;
inline constexpr int threads_min = 2;
inline constexpr int threads_max = 16; // of the default; PANIER_THREADS may be higher

} // namespace defaults

struct MariaDb {
  std::string host;
  std::string login;
  Secret password;
  std::string database;
  std::uint16_t port = 3306;
};

struct MongoDb {
  Secret uri;                       // as given
  std::string shown;                // the same with the secrets masked
  std::string database = "Paniers"; // from the URI's path
};

struct Cors {
  bool on = true;                   // PANIER_CORS
  bool any = false;                 // CORS_ORIGINS=*
  std::vector<std::string> origins; // else these, exactly as a browser sends them
  // Are there headers to send at all?
  [[nodiscard]] bool enabled() const { return on && (any || !origins.empty()); }
};

struct Config {
  // Set exactly if its settings are present; used exactly if `ledger` / `mirror` says so.
  std::optional<MariaDb> mariadb;
  std::optional<MongoDb> mongodb;
  LedgerKind ledger = LedgerKind::sqlite;
  MirrorKind mirror = MirrorKind::sqlite;

  std::string host = "127.0.0.1"; // an address; "::" is every address of both families
  std::uint16_t port = 6004;      // 0: a free one
  std::string ops_host = "127.0.0.1";
  std::uint16_t ops_port = 6005;
  std::filesystem::path data_dir = "panier-data"; // made, 0700, by whoever starts the service
  std::filesystem::path failed_log;               // by default in data_dir

  WritePolicy write_policy = WritePolicy::strict;
  int lanes = defaults::lanes_sqlite;
  int threads = defaults::threads_min; // of HTTP
  std::chrono::milliseconds mirror_timeout = defaults::mirror_timeout;
  std::chrono::milliseconds reservation_ttl = defaults::reservation_ttl;
  std::chrono::milliseconds request_timeout = defaults::request_timeout;
  std::chrono::milliseconds idle_timeout = defaults::idle_timeout;
  std::chrono::milliseconds park_retry = defaults::park_retry;
  std::size_t lines_max = 200;
  std::size_t body_bytes_max = 65'536;
  std::size_t headers_bytes_max = 16'384;
  std::size_t queue_max = 8'192;       // operations, of each lane
  std::chrono::days cart_ttl{0};       // 0: carts do not expire
  std::chrono::hours keys_ttl{24};     // idempotency keys and tombstones
  std::size_t verify_rows_per_s = 200; // 0: no continuous verify
  LogLevel log_level = LogLevel::info;
  Cors cors;

  // URL_ARTICLE_*, by their names, which is the order in which they are tried. None: lines are
  // served without article details, and stock is not judged.
  std::map<std::string, std::string, std::less<>> article_urls;
  std::chrono::milliseconds article_timeout{2'000};
  std::chrono::seconds article_fresh{30};
  std::chrono::seconds article_stale{3'600};
  std::size_t article_cache_bytes_max = 67'108'864;
  std::size_t article_body_bytes_max = 65'536;
  StockUnknown stock_unknown = StockUnknown::refuse;

  std::map<std::string, Source, std::less<>> sources; // of each setting that was given
  std::vector<std::string> warnings;                  // for the log at start; no secrets
};

using Environment = std::map<std::string, std::string, std::less<>>;

struct Input {
  Environment environment;         // wins over the file
  std::optional<std::string> file; // the text of the .env file, if there is one
  unsigned cores = 1;              // for the default of PANIER_THREADS
};

// config_invalid: `field` is the setting (empty for a line of the file that cannot be read) and
// `detail` one line for the operator, without secrets. The first thing that is wrong is told.
[[nodiscard]] Result<Config> parse(const Input& input);

// The environment of this process as parse() takes it: `environ`.
[[nodiscard]] Environment environment_from(const char* const* entries);

// "PANIER_PORT: must be ..": what an operator reads.
[[nodiscard]] std::string to_line(const Error& error);

struct Described {
  std::string_view key;
  std::string value; // as in force, secrets masked; empty: not set
  Source source = Source::by_default;
  std::string_view unit; // "ms", "bytes", ..; empty where there is none
  std::string limits;    // "1-64", "strict | available", ..
  std::string_view doc;
};
// Every setting, in the table's order: for `panier config`.
[[nodiscard]] std::vector<Described> describe(const Config& config);

} // namespace panier::config
