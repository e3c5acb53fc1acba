// Money is exact: what a double would get wrong by a cent is right here.
#include "catalogue/decimal.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace panier::catalogue {
namespace {

using cart::Quantity;

std::string line_total(std::string_view price, std::string_view quantity) {
  const auto value = parse_decimal(price);
  if (!value || !is_price(*value)) return "no price";
  return cents_text(subtotal(*value, *Quantity::from_text(quantity)));
}

TEST(Decimal, a_line_costs_price_times_quantity_half_up) {
  EXPECT_EQ(line_total("19.99", "2"), "39.98");
  EXPECT_EQ(line_total("19.99", "1.5"), "29.99"); // 29.985: half up, a double says 29.98
  EXPECT_EQ(line_total("1.005", "1"), "1.01");    // a double says 1.00
  EXPECT_EQ(line_total("2.675", "1"), "2.68");    // and 2.67
  EXPECT_EQ(line_total("0.004999", "1"), "0.00");
  EXPECT_EQ(line_total("0.005", "1"), "0.01");
  EXPECT_EQ(line_total("0", "7"), "0.00");
  EXPECT_EQ(line_total("20", "2"), "40.00");
  EXPECT_EQ(line_total("0.1", "3"), "0.30");
  EXPECT_EQ(line_total("19.989999999999998", "1"), "19.99");
  EXPECT_EQ(line_total("1999e-2", "1"), "19.99");
  EXPECT_EQ(line_total("1.999E+1", "1"), "19.99");
  EXPECT_EQ(line_total("10000000", "1000000"), "10000000000000.00");
  EXPECT_EQ(line_total("9999999.99999999999999999999", "1000000"), "10000000000000.00");
}

TEST(Decimal, what_is_no_price) {
  for (const auto* text : {"12,5",
                           "",
                           "-1",
                           "-0.01",
                           "abc",
                           "1.",
                           ".5",
                           "1e",
                           "1e5000",
                           " 1",
                           "1 ",
                           "+1",
                           "0x10",
                           "NaN",
                           "Infinity",
                           "10000000.01",
                           "99999999999999999999",
                           "0.000000000000000000001",
                           "1e-999",
                           "--1",
                           "1.2.3"})
    EXPECT_EQ(line_total(text, "1"), "no price") << text;
  EXPECT_EQ(line_total("-0", "1"), "0.00");
  EXPECT_EQ(line_total("-0.00", "1"), "0.00");
}

TEST(Decimal, trailing_zeros_and_exponents_do_not_matter) {
  EXPECT_EQ(parse_decimal("1.50"), parse_decimal("15e-1"));
  EXPECT_EQ(parse_decimal("100"), parse_decimal("1e2"));
  EXPECT_EQ(parse_decimal("0.000"), parse_decimal("0"));
  EXPECT_EQ(parse_decimal("1.00000000000000000000000000000000000"), parse_decimal("1"));
}

TEST(Decimal, a_stock_is_a_limit_of_lines) {
  const auto limit = [](std::string_view text) {
    return stock_limit(*parse_decimal(text)).to_text();
  };
  EXPECT_EQ(limit("12"), "12");
  EXPECT_EQ(limit("2.5"), "2.5");
  EXPECT_EQ(limit("0.9999"), "0.999"); // never more than there is
  EXPECT_EQ(limit("0"), "0");
  EXPECT_EQ(limit("-3"), "0");
  EXPECT_EQ(limit("999999999999999"), "1000000");
}

// The definition in plain integers: prices of at most 4 decimals and quantities of 3.
RC_GTEST_PROP(DecimalProperty, is_what_integers_say, ()) {
  const auto price = *rc::gen::inRange<std::int64_t>(0, 10'000'000);
  const auto thousandths = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
  auto fraction = std::to_string(10'000 + price % 10'000);
  fraction.front() = '.';
  const auto value = parse_decimal(std::to_string(price / 10'000) + fraction);
  RC_ASSERT(value.has_value());
  const auto product = price * thousandths; // of 10^-7
  RC_ASSERT(subtotal(*value, Quantity::from_thousandths(thousandths)) ==
            (product + 50'000) / 100'000);
}

} // namespace
} // namespace panier::catalogue
