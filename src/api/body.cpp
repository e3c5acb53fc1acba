#include "api/body.hpp"

#include <algorithm>

namespace panier::api {

namespace {

using Kind = JsonValue::Kind;

bool same_word(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const auto first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Takes what stands before the next `;` off `rest`.
std::string_view take_part(std::string_view& rest) {
  const auto part = rest.substr(0, rest.find(';'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return trimmed(part);
}

bool utf8_or_silent(std::string_view parameter) {
  const auto equals = parameter.find('=');
  if (!same_word(parameter.substr(0, equals), "charset")) return true;
  if (equals == parameter.npos) return false;
  auto value = parameter.substr(equals + 1);
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
    value = value.substr(1, value.size() - 2);
  return same_word(value, "utf-8");
}

bool is_json(std::string_view content_type) {
  if (!same_word(take_part(content_type), "application/json")) return false;
  while (!content_type.empty()) {
    if (!utf8_or_silent(take_part(content_type))) return false;
  }
  return true;
}

bool is_integer(std::string_view number) {
  return number.find_first_not_of("0123456789", number.starts_with('-') ? 1 : 0) == number.npos;
}

const JsonValue* find(const JsonObject& body, std::string_view field) {
  const auto found = body.find(field);
  return found == body.end() ? nullptr : &found->second;
}

} // namespace

Result<JsonObject> read_body(const http::Request& request) {
  if (request.headers.count("Content-Type") > 0 && !is_json(request.headers.joined("Content-Type")))
    return fail(Errc::unsupported_media_type);
  const auto* coding = request.headers.find("Content-Encoding");
  if (coding != nullptr && !same_word(*coding, "identity"))
    return fail(Errc::unsupported_media_type);
  return parse_json_object(request.body);
}

Result<cart::LineKey> read_article_id(const JsonObject& body) {
  static constexpr std::string_view field = "article_id";
  const auto* value = find(body, field);
  const bool usable =
      value != nullptr &&
      (value->kind == Kind::string || (value->kind == Kind::number && is_integer(value->text)));
  if (!usable)
    return fail(Errc::invalid_field, "neither a string nor an integer", std::string(field));
  auto key = cart::LineKey::parse(value->text);
  if (!key) return fail(Errc::invalid_field, "not an identifier", std::string(field));
  return *std::move(key);
}

Result<cart::Quantity> read_quantity(const JsonObject& body) {
  static constexpr std::string_view field = "quantite";
  const auto* value = find(body, field);
  if (value == nullptr) return cart::Quantity::of(1);
  Result<cart::Quantity> quantity = fail(Errc::invalid_field, "neither a number nor a string");
  if (value->kind == Kind::number) quantity = cart::Quantity::from_json_number(value->text);
  if (value->kind == Kind::string) quantity = cart::Quantity::from_text(value->text);
  if (!quantity) quantity.error().field = field;
  return quantity;
}

Result<std::string> read_text(const JsonObject& body, std::string_view field) {
  const auto* value = find(body, field);
  if (value == nullptr || value->kind != Kind::string)
    return fail(Errc::invalid_field, "not a string", std::string(field));
  return value->text;
}

} // namespace panier::api
