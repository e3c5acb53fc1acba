#include "config/values.hpp"

#include <arpa/inet.h>

namespace panier::config {
namespace {

constexpr std::size_t shown_bytes_max = 80;
constexpr std::size_t host_bytes_max = 253;
constexpr std::size_t url_bytes_max = 1024;
constexpr std::size_t origins_max = 64;

std::unexpected<Error> wrong(std::string detail) {
  return fail(Errc::config_invalid, std::move(detail));
}

bool control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_address(const std::string& text) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > host_bytes_max) return false;
  return std::ranges::all_of(text, is_host_character) || is_address(std::string(text));
}

// "host", "host:port", "[::1]:port"
bool is_authority(std::string_view text) {
  std::string_view host = text.substr(0, text.find(':'));
  std::string_view after = text.substr(host.size());
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    after = text.substr(end + 1);
  }
  if (!is_host(host)) return false;
  return after.empty() ||
         (after.front() == ':' && whole_number(after.substr(1), 1, 65535, "").has_value());
}

// What follows http:// or https://, or nothing.
std::optional<std::string_view> after_http_scheme(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme)) return text.substr(scheme.size());
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

bool is_origin(std::string_view text) {
  const auto authority = after_http_scheme(text);
  const auto upper = [](char c) {
    return c >= 'A' && c <= 'Z';
  }; // browsers send lower case, and we compare bytes
  return authority && is_authority(*authority) && std::ranges::none_of(text, upper);
}

} // namespace

std::string quoted(std::string_view text) {
  std::string shown = "\"";
  for (const char c : text.substr(0, shown_bytes_max))
    shown += control(c) ? '?' : c;
  if (text.size() > shown_bytes_max) shown += "...";
  return shown += '"';
}

Result<std::int64_t> whole_number(std::string_view text, std::int64_t min, std::int64_t max,
                                  std::string_view unit) {
  std::int64_t number = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!text.empty() && digits && error == std::errc{} && stop == end && number >= min &&
      number <= max)
    return number;
  return wrong("must be a whole number" + (unit.empty() ? "" : " of " + std::string(unit)) +
               " from " + std::to_string(min) + " to " + std::to_string(max) + ", not " +
               quoted(text));
}

Result<std::string> ip_address(std::string_view text) {
  std::string address(text);
  if (!address.contains('\0') && is_address(address)) return address;
  return wrong("must be an IPv4 or IPv6 address (127.0.0.1, ::), not " + quoted(text));
}

Result<std::string> host_name(std::string_view text) {
  if (is_host(text)) return std::string(text);
  return wrong("must be a host name or address, not " + quoted(text));
}

Result<std::string> plain_text(std::string_view text, std::size_t bytes_max) {
  if (!text.empty() && text.size() <= bytes_max && std::ranges::none_of(text, control))
    return std::string(text);
  return wrong("must be 1 to " + std::to_string(bytes_max) + " bytes without control characters");
}

Result<std::string> http_url(std::string_view text) {
  const auto rest = after_http_scheme(text);
  if (!rest) return wrong("must begin with http:// or https://");
  if (rest->contains('@')) // wherever it stands, for a password may hold a '/'; and not shown
    return wrong("must not hold a user name or password (in a path, '@' is %40)");
  const std::string_view authority = rest->substr(0, rest->find_first_of("/?#"));
  const auto unfit = [](char c) { return control(c) || c == ' ' || c == '?' || c == '#'; };
  if (text.size() > url_bytes_max || !is_authority(authority) || std::ranges::any_of(text, unfit))
    return wrong("must be a URL of host, port and path, not " + quoted(text));
  if (!text.ends_with('/')) return wrong("must end in '/': the article's id is put behind it");
  return std::string(text);
}

Result<std::vector<std::string>> origins(std::string_view text) {
  std::vector<std::string> all;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view origin = trim(text.substr(0, comma));
    if (!is_origin(origin))
      return wrong("must be * or a comma-separated list of origins like https://shop.example:4200 "
                   "(lower case, "
                   "without a path), not " +
                   quoted(origin));
    if (all.size() == origins_max)
      return wrong("must not list more than " + std::to_string(origins_max) + " origins");
    all.emplace_back(origin);
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

} // namespace panier::config
