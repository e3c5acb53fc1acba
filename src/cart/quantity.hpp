// A quantity of an article, exact: integer thousandths. Never a double.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "result/result.hpp"

namespace panier::cart {

class Quantity {
public:
  // A line holds 0.001 to 1,000,000; a change (add) may also be negative.
  static constexpr std::int64_t thousandths_max = 1'000'000'000;

  constexpr Quantity() = default;
  static constexpr Quantity from_thousandths(std::int64_t n) { return Quantity(n); }
  static constexpr Quantity of(std::int64_t whole) { return Quantity(whole * 1000); }

  // `-?[0-9]+(\.[0-9]+)?` with at most 3 decimals after trailing zeros, within +-1,000,000.
  // Errc::invalid_field otherwise; the caller names the field.
  static Result<Quantity> from_text(std::string_view text);
  // The text of a JSON number: the same, and an exponent is allowed. Judged by its exact text:
  // 0.30000000000000004 is refused, never rounded.
  static Result<Quantity> from_json_number(std::string_view text);

  [[nodiscard]] constexpr std::int64_t thousandths() const { return thousandths_; }
  [[nodiscard]] constexpr bool positive() const { return thousandths_ > 0; }
  // "2", "1.5", "0.001": as few digits as say it.
  [[nodiscard]] std::string to_text() const;

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  // Cannot overflow: both sides are within the limits and the sum is checked before it is kept.
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.thousandths_ + b.thousandths_);
  }

private:
  constexpr explicit Quantity(std::int64_t n) : thousandths_(n) {}
  std::int64_t thousandths_ = 0;
};

} // namespace panier::cart
