#include "cart/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace panier::cart {

namespace {

constexpr int decimals_max = 3;
constexpr std::size_t whole_digits_max = 7; // of 1000000
// Exponents are held at this bound while they are read: farther from 0 than any text is long, so
// that no number of zeros in the mantissa can bring a held one back into the limits.
constexpr std::int64_t exponent_max = 1'000'000'000'000;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes the digits at the start of `rest` off it.
std::string_view take_digits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  const auto digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

bool take(std::string_view& rest, char c) {
  if (!rest.starts_with(c)) return false;
  rest.remove_prefix(1);
  return true;
}

// Everything after the `e`; nullopt when it is not an exponent.
std::optional<std::int64_t> parse_exponent(std::string_view rest) {
  const bool negative = take(rest, '-');
  if (!negative) take(rest, '+');
  const auto digits = take_digits(rest);
  if (digits.empty() || !rest.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits)
    value = std::min(value * 10 + (c - '0'), exponent_max);
  return negative ? -value : value;
}

std::unexpected<Error> refused(std::string detail) {
  return fail(Errc::invalid_field, std::move(detail));
}

std::int64_t value_of(std::string_view digits) {
  std::int64_t value = 0;
  for (const char c : digits)
    value = value * 10 + (c - '0');
  return value;
}

std::int64_t scaled_up(std::int64_t value, std::int64_t zeros) {
  for (; zeros > 0; --zeros)
    value *= 10;
  return value;
}

// `whole`.`fraction` times ten to the `exponent`, in thousandths, by the digits alone.
Result<std::int64_t> to_thousandths(std::string_view whole, std::string_view fraction,
                                    std::int64_t exponent) {
  auto decimals = static_cast<std::int64_t>(fraction.size());
  std::int64_t value = 0;
  if (whole.size() <= whole_digits_max && decimals <= decimals_max && exponent == 0) { // as a rule
    value = scaled_up(value_of(whole), decimals) + value_of(fraction);
  } else {
    std::string digits(whole);
    digits += fraction;
    const auto last = digits.find_last_not_of('0');
    if (last == std::string::npos) return 0;
    decimals -= exponent + static_cast<std::int64_t>(digits.size() - 1 - last);
    digits.erase(last + 1);
    digits.erase(0, digits.find_first_not_of('0'));
    if (decimals > decimals_max) return refused("more than 3 decimals");
    if (static_cast<std::int64_t>(digits.size()) - decimals > std::int64_t{whole_digits_max})
      return refused("beyond 1000000");
    value = value_of(digits);
  }
  value = scaled_up(value, decimals_max - decimals);
  if (value > Quantity::thousandths_max) return refused("beyond 1000000");
  return value;
}

struct Form {
  bool exponent = false;
  bool leading_zeros = false;
};

Result<std::int64_t> parse(std::string_view text, Form form) {
  const bool negative = take(text, '-');
  const auto whole = take_digits(text);
  if (whole.empty()) return refused("not a number");
  if (!form.leading_zeros && whole.size() > 1 && whole.front() == '0')
    return refused("a JSON number has no leading zeros");
  std::string_view fraction;
  if (take(text, '.')) {
    fraction = take_digits(text);
    if (fraction.empty()) return refused("no digit after the point");
  }
  std::int64_t exponent = 0;
  if (form.exponent && (take(text, 'e') || take(text, 'E'))) {
    const auto parsed = parse_exponent(std::exchange(text, {}));
    if (!parsed) return refused("not an exponent");
    exponent = *parsed;
  }
  if (!text.empty()) return refused("not a plain decimal number");
  const auto magnitude = to_thousandths(whole, fraction, exponent);
  if (!magnitude) return magnitude;
  return negative ? -*magnitude : *magnitude;
}

} // namespace

Result<Quantity> Quantity::from_text(std::string_view text) {
  const auto thousandths = parse(text, {.leading_zeros = true});
  if (!thousandths) return std::unexpected(thousandths.error());
  return Quantity(*thousandths);
}

Result<Quantity> Quantity::from_json_number(std::string_view text) {
  const auto thousandths = parse(text, {.exponent = true});
  if (!thousandths) return std::unexpected(thousandths.error());
  return Quantity(*thousandths);
}

std::string Quantity::to_text() const {
  std::array<char, 24> text; // at most "-9223372036854775.808"
  char* at = text.data();
  auto magnitude = static_cast<std::uint64_t>(thousandths_);
  if (thousandths_ < 0) {
    *at++ = '-';
    magnitude = 0 - magnitude;
  }
  at = std::to_chars(at, text.end(), magnitude / 1000).ptr;
  auto fraction = static_cast<unsigned>(magnitude % 1000);
  if (fraction != 0) *at++ = '.';
  for (unsigned place = 100; fraction != 0; place /= 10) {
    *at++ = static_cast<char>('0' + fraction / place);
    fraction %= place;
  }
  return {text.data(), at};
}

} // namespace panier::cart
