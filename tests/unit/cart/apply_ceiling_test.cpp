// The stock: a line's total is not raised above it, and going down never asks.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cart/cart.hpp"

namespace panier::cart {
namespace {

using enum OperationKind;

class Ceilings : public testing::Test {
protected:
  // "ok", or what refuses.
  std::string told(OperationKind kind, std::int64_t quantity, std::optional<Ceiling> ceiling) {
    const Operation operation{.kind = kind,
                              .user = *UserId::parse("u"),
                              .line = LineKey::parse("a"),
                              .quantity = Quantity::of(quantity),
                              .if_match = {},
                              .ceiling = ceiling};
    const auto outcome = apply(cart_, operation, cart_.version + 1, {.lines_max = 2});
    if (outcome) return "ok";
    error_ = outcome.error();
    return std::string(to_string(error_.code));
  }
  std::int64_t held() const {
    return cart_.lines.empty() ? 0 : cart_.lines.front().quantity.thousandths() / 1000;
  }
  static Ceiling stock(std::int64_t n) { return {.limit = Quantity::of(n)}; }

  Cart cart_;
  Error error_;
};

TEST_F(Ceilings, it_is_the_lines_total_that_counts) {
  EXPECT_EQ(told(add, 6, stock(10)), "ok");
  EXPECT_EQ(told(add, 4, stock(10)), "ok");
  EXPECT_EQ(told(add, 1, stock(10)), "stock_insufficient");
  EXPECT_EQ(error_.field, "quantite");
  EXPECT_EQ(error_.shortage, (Shortage{.stock = 10'000, .quantity = 11'000}));
  EXPECT_EQ(held(), 10);
  EXPECT_EQ(told(edit, 11, stock(10)), "stock_insufficient");
  EXPECT_EQ(told(edit, 10, stock(10)), "ok");
}

TEST_F(Ceilings, a_line_above_its_stock_stays_and_may_go_down) {
  EXPECT_EQ(told(add, 8, std::nullopt), "ok");
  EXPECT_EQ(told(edit, 8, stock(3)), "ok");
  EXPECT_EQ(told(edit, 7, stock(3)), "ok");
  EXPECT_EQ(told(add, -1, stock(3)), "ok");
  EXPECT_EQ(held(), 6);
  EXPECT_EQ(told(edit, 7, stock(3)), "stock_insufficient");
  EXPECT_EQ(told(remove, 0, stock(0)), "ok");
  EXPECT_EQ(held(), 0);
}

TEST_F(Ceilings, whatever_refuses_is_told) {
  EXPECT_EQ(told(add, 1, Ceiling{.limit = {}, .refusal = Errc::article_not_found}),
            "article_not_found");
  EXPECT_EQ(error_.field, "article_id");
  EXPECT_FALSE(error_.shortage);
  EXPECT_EQ(told(add, 1, Ceiling{.limit = {}, .refusal = Errc::stock_unknown}), "stock_unknown");
  EXPECT_EQ(told(edit, 1, Ceiling{.limit = {}, .refusal = Errc::stock_unasked}), "stock_unasked");
  EXPECT_FALSE(cart_.exists);
}

TEST_F(Ceilings, what_the_cart_itself_refuses_needs_no_stock) {
  const Ceiling unasked{.limit = {}, .refusal = Errc::stock_unasked};
  EXPECT_EQ(told(add, 999'999, std::nullopt), "ok");
  EXPECT_EQ(told(add, 2, unasked), "quantity_too_large");
  cart_.lines = {{*LineKey::parse("b"), Quantity::of(1)}, {*LineKey::parse("c"), Quantity::of(1)}};
  EXPECT_EQ(told(edit, 2, unasked), "too_many_lines");
}

RC_GTEST_PROP(CeilingProperty, no_row_of_adds_and_edits_passes_it, ()) {
  Cart cart;
  const auto stock = Quantity::from_thousandths(*rc::gen::inRange<std::int64_t>(0, 5000));
  for (Version next = 1; next <= 30; ++next) {
    const Operation operation{
        .kind = *rc::gen::element(add, edit),
        .user = *UserId::parse("u"),
        .line = LineKey::parse("a"),
        .quantity = Quantity::from_thousandths(*rc::gen::inRange<std::int64_t>(-2000, 6000)),
        .if_match = {},
        .ceiling = Ceiling{.limit = stock}};
    (void)apply(cart, operation, next, {});
    for (const auto& line : cart.lines)
      RC_ASSERT(line.quantity <= stock);
  }
}

} // namespace
} // namespace panier::cart
