#include "cart/identity.hpp"

#include <algorithm>

namespace panier::cart {

namespace {

constexpr std::size_t identifier_chars_max = 64;
constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr bool is_identifier_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == ':' || c == '@' || c == '-';
}

// Of a lower-case digit, as one value has one text in both stores; 16 of anything else.
constexpr unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10 : 16;
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> bytes_from_hex(std::string_view hex) {
  if (hex.size() != 2 * N) return std::nullopt;
  std::array<std::uint8_t, N> bytes{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto high = hex_value(hex[2 * i]);
    const auto low = hex_value(hex[2 * i + 1]);
    if ((high | low) > 15) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return bytes;
}

template <std::size_t N>
std::string bytes_to_hex(const std::array<std::uint8_t, N>& bytes) {
  std::string hex(2 * N, '0');
  for (std::size_t i = 0; i < N; ++i) {
    hex[2 * i] = hex_digits[bytes[i] >> 4];
    hex[2 * i + 1] = hex_digits[bytes[i] & 0xf];
  }
  return hex;
}

} // namespace

bool is_identifier(std::string_view text) noexcept {
  return !text.empty() && text.size() <= identifier_chars_max &&
         std::ranges::all_of(text, is_identifier_char);
}

std::optional<UserId> UserId::parse(std::string_view text) {
  if (!is_identifier(text)) return std::nullopt;
  return UserId(std::string(text));
}

std::optional<LineKey> LineKey::parse(std::string_view article_id) {
  if (!is_identifier(article_id)) return std::nullopt;
  return LineKey(std::string(article_id));
}

std::optional<CartId> CartId::parse(std::string_view hex) {
  const auto bytes = bytes_from_hex<12>(hex);
  if (!bytes) return std::nullopt;
  return CartId(*bytes);
}

std::string CartId::hex() const {
  return bytes_to_hex(bytes_);
}

std::optional<Token> Token::parse(std::string_view hex) {
  const auto bytes = bytes_from_hex<16>(hex);
  if (!bytes) return std::nullopt;
  return Token(*bytes);
}

std::string Token::hex() const {
  return bytes_to_hex(bytes_);
}

} // namespace panier::cart
