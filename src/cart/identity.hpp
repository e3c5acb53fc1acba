// Who and what: UserId, LineKey, CartId, Version, Token. Values, each with its text form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace panier::cart {

// 1-64 of A-Z a-z 0-9 _ . : @ -
[[nodiscard]] bool is_identifier(std::string_view text) noexcept;

// The owner of a cart. Constructed only from text that is_identifier() accepts: by parse(), or by a
// store adapter from its own rows. Which of these names are reserved is the API's business, not the
// cart's.
class UserId {
public:
  static std::optional<UserId> parse(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  friend auto operator<=>(const UserId&, const UserId&) = default;

private:
  explicit UserId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What a line is of. Today an article; its own type so that variants can join it later.
class LineKey {
public:
  static std::optional<LineKey> parse(std::string_view article_id);
  [[nodiscard]] const std::string& article_id() const { return article_id_; }
  friend auto operator<=>(const LineKey&, const LineKey&) = default;

private:
  explicit LineKey(std::string article_id) : article_id_(std::move(article_id)) {}
  std::string article_id_;
};

// 12 bytes, a BSON ObjectId; text is 24 lower-case hex digits. Stable for the life of a user's
// cart, deletion and re-creation included.
class CartId {
public:
  using Bytes = std::array<std::uint8_t, 12>;
  constexpr CartId() = default;
  constexpr explicit CartId(const Bytes& bytes) : bytes_(bytes) {}
  static std::optional<CartId> parse(std::string_view hex);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string hex() const;
  friend auto operator<=>(const CartId&, const CartId&) = default;

private:
  Bytes bytes_{};
};

// 128 random bits that name one batch of one lane; kept with every cart that the batch wrote, in
// both stores.
class Token {
public:
  using Bytes = std::array<std::uint8_t, 16>;
  constexpr Token() = default;
  constexpr explicit Token(const Bytes& bytes) : bytes_(bytes) {}
  static std::optional<Token> parse(std::string_view hex);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string hex() const; // 32 lower-case hex digits
  friend auto operator<=>(const Token&, const Token&) = default;

private:
  Bytes bytes_{};
};

// Per cart, strictly growing, never reused: max(ledger clock in ms since 1970, last version + 1).
// 0: never written.
using Version = std::int64_t;

} // namespace panier::cart

template <>
struct std::hash<panier::cart::UserId> {
  std::size_t operator()(const panier::cart::UserId& user) const noexcept {
    return std::hash<std::string>{}(user.text());
  }
};
