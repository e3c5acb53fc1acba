// Prices and stocks, exact: a JSON number's own digits, never a double. What is rounded is rounded
// once, to cents, half up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cart/quantity.hpp"

namespace panier::catalogue {

// 128 bits hold 38 digits. g++ has it, the standard has not.
__extension__ typedef unsigned __int128 Wide;

// digits / 10^decimals, without trailing zeros behind the point.
struct Decimal {
  // 35 digits and the 3 of a quantity's decimals fit Wide; so do 28 of a price and 10 of a
  // quantity.
  static constexpr int whole_digits_max = 15;
  static constexpr int decimals_max = 20;

  bool negative = false; // never of zero
  Wide digits = 0;
  int decimals = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// The text of a JSON number (an exponent is allowed). nullopt: it is none ("12,5", "", " 1"), or
// has more digits than Decimal takes.
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text);

// A sum of money in cents. 10,000,000 a piece, 1,000,000 pieces a line, 1,000 lines: 10^18 fits.
using Cents = std::int64_t;
inline constexpr std::int64_t price_max = 10'000'000; // euros a piece; beyond it: no price

// 0 to price_max.
[[nodiscard]] bool is_price(const Decimal& value);
// price * quantity to cents, half up. REQUIRES is_price(price) and a quantity within a line's
// limits.
[[nodiscard]] Cents subtotal(const Decimal& price, cart::Quantity quantity);
// "39.98", "0.50", "40.00".
[[nodiscard]] std::string cents_text(Cents cents);

// What a line may hold of a stock: below zero is nothing, a fourth decimal is cut, and what is
// beyond a line's own limit is that limit.
[[nodiscard]] cart::Quantity stock_limit(const Decimal& stock);

} // namespace panier::catalogue
