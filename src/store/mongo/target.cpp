#include "store/mongo/target.hpp"

#include <algorithm>
#include <string_view>

#include "store/mongo/driver.hpp"

namespace panier::store::mongo {
namespace {

using std::chrono::milliseconds;

constexpr const char* setting = "MONGO_URI_PANIERS";

// libmongoc's minimum. Its default of 10 s is how long a server that is back would stay unnoticed.
constexpr milliseconds heartbeat_frequency{500};
// A monitor that waits for a frozen server, or for a lost SYN, starts over after this: back within
// a second.
constexpr milliseconds connect_timeout_max{1000};
// Two looks of the monitor at servers that are gone: a lane that waits for more holds its carts for
// nothing, also from writes that could go on without the mirror.
constexpr milliseconds selection_timeout_max{1000};
// Each mirror holds one client, and a call given up holds one until it ends: far above both.
constexpr int pool_clients_max = 1024;

std::unexpected<Error> invalid(std::string detail) {
  return fail(Errc::config_invalid, std::move(detail), setting);
}

// Says nothing of libmongoc's own message where that could quote a user, a password or a key file's
// password.
std::string parse_failure(std::string_view text, const bson_error_t& error) {
  std::string said =
      "is not a MongoDB connection string (mongodb://[user:password@]host[:port]/database)";
  const bool may_hold_secret = text.find('@') != text.npos || text.find('?') != text.npos;
  if (!may_hold_secret && error.message[0] != '\0') said.append(": ").append(error.message);
  if (may_hold_secret) said += "; special characters in user and password are written as %XX";
  return said;
}

// w=0 and its older spellings: an acknowledged write would be a lie, though we send our own write
// concern, because whoever wrote this wants something else than what panier promises.
bool unacknowledged(const mongoc_uri_t* uri) {
  const mongoc_write_concern_t* concern = mongoc_uri_get_write_concern(uri);
  return concern != nullptr && !mongoc_write_concern_is_acknowledged(concern);
}

void at_most(mongoc_uri_t* uri, const char* option, milliseconds limit) {
  const auto limit_ms = static_cast<int32_t>(limit.count());
  const int32_t asked_ms = mongoc_uri_get_option_as_int32(uri, option, 0);
  const bool tighter = asked_ms > 0 && asked_ms < limit_ms;
  if (!tighter) mongoc_uri_set_option_as_int32(uri, option, limit_ms);
}

// Whatever the URI says: primary, majority, journaled, sent once, and no timer of libmongoc's
// outliving ours.
void impose(mongoc_uri_t* uri, milliseconds timeout) {
  const ReadPrefsPtr primary(mongoc_read_prefs_new(MONGOC_READ_PRIMARY));
  mongoc_uri_set_read_prefs_t(uri, primary.get());
  const ReadConcernPtr majority_reads(mongoc_read_concern_new());
  mongoc_read_concern_set_level(majority_reads.get(), MONGOC_READ_CONCERN_LEVEL_MAJORITY);
  mongoc_uri_set_read_concern(uri, majority_reads.get());
  const WriteConcernPtr majority_writes(mongoc_write_concern_new());
  mongoc_write_concern_set_wmajority(majority_writes.get(), 0);
  mongoc_write_concern_set_journal(majority_writes.get(), true);
  mongoc_uri_set_write_concern(uri, majority_writes.get());

  mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
  mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false);
  const auto timeout_ms = static_cast<int32_t>(timeout.count());
  mongoc_uri_set_option_as_int32(
      uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
      static_cast<int32_t>(std::min(timeout, selection_timeout_max).count()));
  mongoc_uri_set_option_as_int32(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, timeout_ms);
  mongoc_uri_set_option_as_int32(uri, MONGOC_URI_HEARTBEATFREQUENCYMS,
                                 static_cast<int32_t>(heartbeat_frequency.count()));
  at_most(uri, MONGOC_URI_SOCKETTIMEOUTMS, timeout);
  at_most(uri, MONGOC_URI_CONNECTTIMEOUTMS, std::min(timeout, connect_timeout_max));
  mongoc_uri_set_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, pool_clients_max);
  if (mongoc_uri_get_appname(uri) == nullptr) mongoc_uri_set_appname(uri, "panier");
}

// The password as it stands in the text: between the first ':' of the user part and the last '@'
// before the hosts end.
std::string raw_password(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == text.npos) return {};
  text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?"));
  const std::size_t at = text.rfind('@');
  const std::size_t colon = text.find(':');
  if (at == text.npos || colon == text.npos || colon > at) return {};
  return std::string(text.substr(colon + 1, at - colon - 1));
}

void replace_all(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

} // namespace

Result<Target> make_target(const Settings& settings) {
  start_driver();
  if (settings.uri.empty()) return invalid("is empty");
  if (settings.timeout < milliseconds(1) || settings.timeout > timeout_max)
    return fail(Errc::config_invalid, "must be 1 to 60000 ms", "PANIER_MIRROR_TIMEOUT_MS");
  bson_error_t error{};
  UriPtr uri(mongoc_uri_new_with_error(settings.uri.c_str(), &error));
  if (!uri) return invalid(parse_failure(settings.uri, error));
  if (unacknowledged(uri.get()))
    return invalid(
        "asks for unacknowledged writes (w=0); panier writes with w=majority, remove the option");

  const char* database = mongoc_uri_get_database(uri.get());
  const char* password = mongoc_uri_get_password(uri.get());
  Target target{.uri = nullptr,
                .database = database != nullptr ? database : settings.database,
                .socket_timeout = {},
                .password = password != nullptr ? password : "",
                .password_raw = raw_password(settings.uri)};
  if (target.database.empty()) return invalid("names no database");
  impose(uri.get(), settings.timeout);
  target.socket_timeout =
      milliseconds(mongoc_uri_get_option_as_int32(uri.get(), MONGOC_URI_SOCKETTIMEOUTMS, 0));
  target.uri = std::move(uri);
  return target;
}

std::string redact(const Target& target, std::string text) {
  replace_all(text, target.password);
  replace_all(text, target.password_raw);
  return text;
}

} // namespace panier::store::mongo
