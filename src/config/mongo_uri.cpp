#include "config/mongo_uri.hpp"

#include <cstdint>

namespace panier::config {
namespace {

constexpr std::size_t uri_bytes_max = 4096;
constexpr std::size_t database_bytes_max = 63;

std::unexpected<Error> wrong(std::string_view detail) {
  return fail(Errc::config_invalid, std::string(detail));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// An option may carry a secret of its own; these are all that the URI specification knows.
bool secret_option(const std::string& name) {
  return name == "authmechanismproperties" || name == "tlscertificatekeyfilepassword" ||
         name == "sslclientcertificatekeypassword" || name.contains("password");
}

// 0 and the negative numbers of old drivers: the server's answer would not be waited for.
bool unacknowledged(const std::string& name, const std::string& value) {
  if (name == "safe") return lower(value) == "false";
  return name == "w" &&
         (value.starts_with('-') || value.find_first_not_of("+0") == std::string::npos);
}

struct Parts {
  std::string_view scheme; // with "://"
  std::string_view user;   // without the password
  bool password = false;
  std::string_view hosts;
  std::string_view path;    // without '/'
  std::string_view options; // without '?'
};

Result<Parts> split(std::string_view uri) {
  Parts parts;
  for (const std::string_view scheme : {"mongodb://", "mongodb+srv://"})
    if (uri.starts_with(scheme)) parts.scheme = scheme;
  if (parts.scheme.empty()) return wrong("must begin with mongodb:// or mongodb+srv://");
  uri.remove_prefix(parts.scheme.size());
  const std::size_t end = std::min(uri.find_first_of("/?"), uri.size());
  std::string_view authority = uri.substr(0, end);
  const std::string_view rest = uri.substr(end);
  // A raw '/', '?' or '@' in a password moves every boundary: it would be masked wrongly, so it is
  // not taken.
  const std::size_t question = std::min(rest.find('?'), rest.size());
  const std::size_t at = authority.rfind('@');
  const std::string_view credentials = at == std::string_view::npos ? "" : authority.substr(0, at);
  if (rest.contains('@') || credentials.contains('@'))
    return wrong("must have / ? @ : and % percent-encoded in the user name, password and options");
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  const std::size_t colon = credentials.find(':');
  parts.user = credentials.substr(0, colon);
  parts.password = colon != std::string_view::npos;
  parts.hosts = authority;
  parts.path = rest.substr(0, question);
  if (parts.path.starts_with('/')) parts.path.remove_prefix(1);
  parts.options = question < rest.size() ? rest.substr(question + 1) : "";
  return parts;
}

// Options in a form that may be shown; refuses the ones that would make a write unacknowledged.
Result<std::string> checked_options(std::string_view options) {
  std::string shown;
  while (!options.empty()) {
    const std::string_view option = options.substr(0, options.find('&'));
    options.remove_prefix(std::min(option.size() + 1, options.size()));
    const std::size_t equals = option.find('=');
    const auto name = percent_decoded(option.substr(0, equals));
    const auto value =
        percent_decoded(equals == std::string_view::npos ? "" : option.substr(equals + 1));
    if (!name || !value) return wrong("has an option with a broken percent-encoding");
    const std::string key = lower(*name);
    if (unacknowledged(key, *value))
      return wrong("w=0 is not possible: a write must be acknowledged by a majority");
    shown += shown.empty() ? '?' : '&';
    shown += secret_option(key) ? *name + "=" + Secret::mask : std::string(option);
  }
  return shown;
}

} // namespace

Result<MongoDb> parse_mongo_uri(std::string_view uri) {
  const auto unfit = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  if (uri.size() > uri_bytes_max || std::ranges::any_of(uri, unfit))
    return wrong("must be a URI without spaces, of at most 4096 bytes");
  const auto parts = split(uri);
  if (!parts) return std::unexpected(parts.error());
  if (parts->hosts.empty() || parts->hosts.starts_with(',') || parts->hosts.ends_with(','))
    return wrong("names no host");
  const auto database = percent_decoded(parts->path);
  if (!database || database->size() > database_bytes_max ||
      database->find_first_of(std::string_view("/\\. \"$*<>:|?\0", 13)) != std::string::npos)
    return wrong("names a database that MongoDB does not allow");
  const auto options = checked_options(parts->options);
  if (!options) return std::unexpected(options.error());

  MongoDb mongodb{.uri = Secret(std::string(uri)), .shown = {}};
  if (!database->empty()) mongodb.database = *database;
  mongodb.shown = parts->scheme;
  if (!parts->user.empty() || parts->password) mongodb.shown += parts->user;
  if (parts->password) mongodb.shown += std::string(":") + Secret::mask;
  if (!parts->user.empty() || parts->password) mongodb.shown += '@';
  mongodb.shown += parts->hosts;
  mongodb.shown += "/" + mongodb.database + *options;
  return mongodb;
}

} // namespace panier::config
