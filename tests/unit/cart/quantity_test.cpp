// Quantities are exact: what a text says is kept to the last digit, or refused.
#include "cart/quantity.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace panier::cart {
namespace {

struct Accepted {
  std::string_view text;
  std::int64_t thousandths;
};

TEST(QuantityText, PlainDecimalsAreTakenExactly) {
  const Accepted table[] = {
      {"1", 1000},
      {"0", 0},
      {"-0", 0},
      {"-0.0", 0},
      {"007", 7000},
      {"1.5", 1500},
      {"1.500000000000000000000000", 1500},
      {"0.001", 1},
      {"-0.001", -1},
      {"0.30", 300},
      {"2.675", 2675},
      {"1000000", 1'000'000'000},
      {"1000000.000", 1'000'000'000},
      {"-1000000", -1'000'000'000},
      {"999999.999", 999'999'999},
      {"00000000000000000000000000000001", 1000},
  };
  for (const auto& row : table) {
    const auto quantity = Quantity::from_text(row.text);
    ASSERT_TRUE(quantity) << row.text;
    EXPECT_EQ(quantity->thousandths(), row.thousandths) << row.text;
  }
}

TEST(QuantityText, AnythingElseIsRefused) {
  const std::string_view table[] = {
      "",        " ",         " 5",        "5 ",       "+5",
      "5.",      ".5",        "-",         "-.5",      "--1",
      "1e3",     "1E3",       "0x10",      "1,5",      "1_000",
      "NaN",     "Infinity",  "-Infinity", "nan",      "five",
      "1.0001",  "0.0009",    "1000001",   "-1000001", "1000000.001",
      "1.2.3",   "1-2",       "\xd9\xa1",  "1\n",      "0.30000000000000004",
      "9999999", "123456789", "\t1",       "null",     "99999999999999999999999999999999999999",
  };
  for (const auto text : table) {
    const auto quantity = Quantity::from_text(text);
    ASSERT_FALSE(quantity) << text;
    EXPECT_EQ(quantity.error().code, Errc::invalid_field) << text;
    EXPECT_EQ(quantity.error().field, "") << "the caller names the field";
  }
  EXPECT_FALSE(Quantity::from_text(std::string_view("1\0", 2)));
}

TEST(QuantityJsonNumber, AnExponentIsTakenExactly) {
  const Accepted table[] = {
      {"1", 1000},
      {"1e3", 1'000'000},
      {"1E+3", 1'000'000},
      {"1e-3", 1},
      {"15e-1", 1500},
      {"1.5e0", 1500},
      {"1500e-3", 1500},
      {"0.000001e6", 1000},
      {"1000000000000e-12", 1000},
      {"0e999999999999999999999999", 0},
      {"-0e-999999999999999999999999", 0},
      {"-2.5e1", -25'000},
      {"1e6", 1'000'000'000},
      {"10e00005", 1'000'000'000},
  };
  for (const auto& row : table) {
    const auto quantity = Quantity::from_json_number(row.text);
    ASSERT_TRUE(quantity) << row.text;
    EXPECT_EQ(quantity->thousandths(), row.thousandths) << row.text;
  }
}

TEST(QuantityJsonNumber, NothingIsRounded) {
  const std::string_view table[] = {
      "0.30000000000000004",
      "1e400",
      "-1e400",
      "1e-400",
      "1e7",
      "1.0000001e6",
      "1e99999999999999999999999999",
      "1e-99999999999999999999999999",
      "1e",
      "1e+",
      "1e1.5",
      "e3",
      "01",
      "00",
      "-01.5",
      "1e-4",
      "123e-5",
      "1e3e3",
      "",
      "-",
      "+1",
  };
  for (const auto text : table)
    EXPECT_FALSE(Quantity::from_json_number(text)) << text;
}

TEST(QuantityJsonNumber, AThousandZerosCannotBringAHeldExponentBack) {
  const std::string small = "1" + std::string(60'000, '0') + "e-60000";
  ASSERT_TRUE(Quantity::from_json_number(small));
  EXPECT_EQ(*Quantity::from_json_number(small), Quantity::of(1));
  const std::string none = "1" + std::string(60'000, '0') + "e-99999999999999999999";
  EXPECT_FALSE(Quantity::from_json_number(none));
}

TEST(QuantityToText, SaysItInAsFewDigitsAsPossible) {
  const Accepted table[] = {
      {"0", 0},       {"1", 1000},  {"1.5", 1500},           {"0.001", 1},
      {"0.01", 10},   {"0.1", 100}, {"-0.001", -1},          {"-2.05", -2050},
      {"10", 10'000}, {"2", 2000},  {"1000000", 1000000000}, {"999999.999", 999'999'999},
  };
  for (const auto& row : table)
    EXPECT_EQ(Quantity::from_thousandths(row.thousandths).to_text(), row.text);
}

std::int64_t any_thousandths() {
  return *rc::gen::inRange<std::int64_t>(-Quantity::thousandths_max, Quantity::thousandths_max + 1);
}

RC_GTEST_PROP(QuantityProperty, TextComesBackAsItWas, ()) {
  const auto quantity = Quantity::from_thousandths(any_thousandths());
  const auto text = quantity.to_text();
  RC_ASSERT(Quantity::from_text(text).value() == quantity);
  RC_ASSERT(Quantity::from_json_number(text).value() == quantity);
}

RC_GTEST_PROP(QuantityProperty, ShiftingThePointAndTheExponentChangesNothing, ()) {
  const auto n = any_thousandths();
  const auto zeros = *rc::gen::inRange(0, 50);
  const auto text = std::to_string(n) + std::string(static_cast<std::size_t>(zeros), '0') + "e-" +
                    std::to_string(3 + zeros);
  RC_ASSERT(Quantity::from_json_number(text).value().thousandths() == n);
}

RC_GTEST_PROP(QuantityProperty, AFourthDecimalIsNeverSwallowed, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(0, 999'999);
  const auto digit = *rc::gen::inRange(1, 10);
  auto fraction = std::to_string(1000 + n % 1000);
  fraction.erase(0, 1);
  const auto text = std::to_string(n / 1000) + "." + fraction + std::to_string(digit);
  RC_ASSERT(!Quantity::from_text(text));
}

RC_GTEST_PROP(QuantityProperty, NoTextBreaksIt, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('0', '9', '1', '-', '.', 'e', 'E', '+', ' '));
  const auto quantity = Quantity::from_text(text);
  if (!quantity) return;
  RC_ASSERT(quantity->thousandths() <= Quantity::thousandths_max);
  RC_ASSERT(quantity->thousandths() >= -Quantity::thousandths_max);
  RC_ASSERT(Quantity::from_text(quantity->to_text()).value() == *quantity);
}

} // namespace
} // namespace panier::cart
