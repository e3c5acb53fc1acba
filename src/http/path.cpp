#include "http/path.hpp"

#include <algorithm>

namespace panier::http {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool well_encoded(std::string_view text) {
  for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || hex(text[at + 1]) < 0 || hex(text[at + 2]) < 0) return false;
  }
  return true;
}

// "http://host:1/a" -> "/a", "http://host" -> "" (the caller makes "/" of it).
std::optional<std::string_view> after_authority(std::string_view target) {
  const auto colon = target.find("://");
  if (colon == target.npos) return std::nullopt;
  const auto scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return std::nullopt;
  }
  const auto rest = target.substr(colon + 3);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  if (end == 0) return std::nullopt; // no authority
  return rest.substr(end);
}

} // namespace

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string> percent_decoded(std::string_view text) {
  if (!text.contains('%')) return std::string(text);
  if (!well_encoded(text)) return std::nullopt;
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    i += 2;
  }
  return decoded;
}

std::optional<std::string_view> path_of_target(std::string_view target, bool asterisk) {
  if (target == "*") return asterisk ? std::optional(target) : std::nullopt;
  if (target.find('#') != target.npos) return std::nullopt;
  if (!target.starts_with('/')) {
    const auto rest = after_authority(target);
    if (!rest) return std::nullopt;
    target = *rest;
  }
  auto path = target.substr(0, target.find('?'));
  if (path.empty()) path = "/";
  if (!well_encoded(path)) return std::nullopt;
  return path;
}

} // namespace panier::http
