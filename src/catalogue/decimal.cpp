#include "catalogue/decimal.hpp"

#include <algorithm>

namespace panier::catalogue {

namespace {

constexpr int quantity_decimals = 3;
constexpr int cent_decimals = 2;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, is_digit);
  const auto digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& rest, char c) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

// "e-2", "E+10", or nothing: 0. Beyond three digits no number of ours is left.
std::optional<int> take_exponent(std::string_view& rest) {
  if (!take(rest, 'e') && !take(rest, 'E')) return 0;
  const bool negative = take(rest, '-');
  if (!negative) take(rest, '+');
  const auto digits = take_digits(rest);
  constexpr std::size_t exponent_digits_max = 3;
  if (digits.empty() || digits.size() > exponent_digits_max) return std::nullopt;
  int value = 0;
  for (const char c : digits)
    value = value * 10 + (c - '0');
  return negative ? -value : value;
}

Wide power_of_ten(int exponent) {
  Wide power = 1;
  for (; exponent > 0; --exponent)
    power *= 10;
  return power;
}

// `digits` with the point `decimals` from their right, which may lie outside of them.
std::optional<Decimal> from_digits(std::string digits, int decimals) {
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    --decimals;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return Decimal{};
  const int whole = static_cast<int>(digits.size()) - decimals;
  if (whole > Decimal::whole_digits_max || decimals > Decimal::decimals_max) return std::nullopt;
  for (; decimals < 0; ++decimals)
    digits += '0';
  Decimal value{.negative = false, .digits = 0, .decimals = decimals};
  for (const char c : digits)
    value.digits = value.digits * 10 + static_cast<unsigned>(c - '0');
  return value;
}

} // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const bool negative = take(text, '-');
  const auto whole = take_digits(text);
  std::string_view fraction;
  if (take(text, '.')) {
    fraction = take_digits(text);
    if (fraction.empty()) return std::nullopt;
  }
  const auto exponent = take_exponent(text);
  if (whole.empty() || !text.empty() || !exponent) return std::nullopt;
  auto value = from_digits(std::string(whole).append(fraction),
                           static_cast<int>(fraction.size()) - *exponent);
  if (value) value->negative = negative && value->digits != 0;
  return value;
}

bool is_price(const Decimal& value) {
  return !value.negative &&
         value.digits <= power_of_ten(value.decimals) * static_cast<Wide>(price_max);
}

Cents subtotal(const Decimal& price, cart::Quantity quantity) {
  const auto product = price.digits * static_cast<Wide>(quantity.thousandths());
  const int surplus = price.decimals + quantity_decimals - cent_decimals;
  const auto unit = power_of_ten(surplus); // at least 10, so that its half is whole
  return static_cast<Cents>((product + unit / 2) / unit);
}

std::string cents_text(Cents cents) {
  auto fraction = std::to_string(100 + cents % 100);
  fraction.front() = '.';
  return std::to_string(cents / 100) + fraction;
}

cart::Quantity stock_limit(const Decimal& stock) {
  if (stock.negative) return {};
  const auto thousandths =
      stock.digits * power_of_ten(quantity_decimals) / power_of_ten(stock.decimals);
  constexpr auto most = static_cast<Wide>(cart::Quantity::thousandths_max);
  return cart::Quantity::from_thousandths(
      static_cast<std::int64_t>(std::min<Wide>(thousandths, most)));
}

} // namespace panier::catalogue
