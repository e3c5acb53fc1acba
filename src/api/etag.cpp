#include "api/etag.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "runtime/sha256.hpp"

namespace panier::api {

namespace {

constexpr std::size_t hash_bytes =
    8; // of a tag: it tells two bodies of ONE cart apart, nothing more

std::string short_hash(std::string_view body) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto hash = runtime::sha256(body);
  std::string hex;
  for (const auto byte : std::span(hash).first<hash_bytes>()) {
    hex += digits[byte >> 4U];
    hex += digits[byte & 0xFU];
  }
  return hex;
}

// What may stand between the quotes: RFC 9110 section 8.8.3.
bool is_etag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7F);
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

// The text between the quotes; takes the tag off `rest`.
std::optional<std::string_view> take_tag(std::string_view& rest) {
  if (rest.starts_with("W/")) rest.remove_prefix(2);
  if (!rest.starts_with('"')) return std::nullopt;
  const auto end = rest.find('"', 1);
  if (end == rest.npos) return std::nullopt;
  const auto opaque = rest.substr(1, end - 1);
  if (!std::ranges::all_of(opaque, is_etag_char)) return std::nullopt;
  rest.remove_prefix(end + 1);
  return opaque;
}

// A list of tags; empty elements are allowed, as RFC 9110 section 5.6.1 asks of a recipient.
// nullopt: not a list, or a list of nothing.
std::optional<std::vector<std::string_view>> parse_tags(std::string_view rest) {
  std::vector<std::string_view> tags;
  for (;;) {
    skip_blanks(rest);
    if (!rest.empty() && rest.front() != ',') {
      const auto tag = take_tag(rest);
      if (!tag) return std::nullopt;
      tags.push_back(*tag);
      skip_blanks(rest);
    }
    if (rest.empty()) break;
    if (rest.front() != ',') return std::nullopt;
    rest.remove_prefix(1);
  }
  if (tags.empty()) return std::nullopt;
  return tags;
}

bool is_star(std::string_view value) {
  skip_blanks(value);
  return value.starts_with('*') && value.find_first_not_of(" \t", 1) == value.npos;
}

// The version part of a tag of ours. Compared as text with what we would write: "007" is not 7.
std::optional<cart::Version> version_of(std::string_view tag) {
  const auto text = tag.substr(0, tag.find('-'));
  cart::Version version = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  if (std::to_string(version) != text) return std::nullopt;
  return version;
}

} // namespace

std::string version_etag(cart::Version version) {
  return '"' + std::to_string(version) + '"';
}

std::string hashed_etag(cart::Version version, std::string_view body) {
  return '"' + std::to_string(version) + '-' + short_hash(body) + '"';
}

std::string document_etag(std::string_view body) {
  return '"' + short_hash(body) + '"';
}

Result<std::optional<cart::IfMatch>> parse_if_match(const http::Headers& headers) {
  if (headers.count("If-Match") == 0) return std::nullopt;
  const auto value = headers.joined("If-Match");
  if (is_star(value)) return cart::IfMatch{.any = true, .versions = {}};
  const auto tags = parse_tags(value);
  if (!tags) return fail(Errc::invalid_if_match, value);
  cart::IfMatch match;
  for (const auto tag : *tags) {
    if (const auto version = version_of(tag)) match.versions.push_back(*version);
  }
  return match;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  if (is_star(if_none_match)) return true;
  const auto tags = parse_tags(if_none_match);
  if (!tags) return false;
  const auto opaque = etag.substr(1, etag.size() - 2);
  return std::ranges::find(*tags, opaque) != tags->end();
}

} // namespace panier::api
