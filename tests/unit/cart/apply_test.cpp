// What each operation does to a cart: the rules of the contract, one row each.
#include <gtest/gtest.h>

#include "cart/cart.hpp"

namespace panier::cart {
namespace {

using enum OperationKind;

constexpr Version old_version = 41;
constexpr Version next = 42;

CartId some_id() {
  return *CartId::parse("65f0c1d2e3a4b5c6d7e8f901");
}
UserId some_user() {
  return *UserId::parse("u1");
}

Cart missing() {
  return {.id = some_id(), .version = old_version, .exists = false, .lines = {}};
}

Cart with_lines(std::initializer_list<std::pair<const char*, std::int64_t>> lines) {
  auto cart = missing();
  cart.exists = true;
  for (const auto& [article, thousandths] : lines)
    cart.lines.push_back({*LineKey::parse(article), Quantity::from_thousandths(thousandths)});
  return cart;
}

Operation op(OperationKind kind, const char* article = nullptr, std::int64_t thousandths = 0) {
  Operation operation{.kind = kind,
                      .user = some_user(),
                      .line = std::nullopt,
                      .quantity = Quantity::from_thousandths(thousandths),
                      .if_match = std::nullopt};
  if (article != nullptr) operation.line = LineKey::parse(article);
  return operation;
}

Operation with_match(Operation operation, IfMatch match) {
  operation.if_match = std::move(match);
  return operation;
}

const IfMatch match_current{.any = false, .versions = {7, old_version}};
const IfMatch match_other{.any = false, .versions = {7}};
const IfMatch match_any{.any = true, .versions = {}};

struct Row {
  const char* what;
  Cart before;
  Operation operation;
  // On success: the lines after, or nullopt when the cart is not there after.
  std::optional<std::vector<Line>> after;
  bool changed;
  std::int64_t told; // outcome.quantity, in thousandths
  bool existed = false;
};

std::vector<Line> lines(std::initializer_list<std::pair<const char*, std::int64_t>> list) {
  return with_lines(list).lines;
}

TEST(Apply, Successes) {
  const auto max = Quantity::thousandths_max;
  const auto one = with_lines({{"a", 1000}, {"b", 500}});
  const auto bare = with_lines({});
  const Row table[] = {
      {"create makes an empty cart", missing(), op(create), lines({}), true, 0},
      {"create finds one", one, op(create), one.lines, false, 0, true},
      {"create with a matching If-Match", one, with_match(op(create), match_current), one.lines,
       false, 0, true},
      {"add makes the cart", missing(), op(add, "a", 1500), lines({{"a", 1500}}), true, 1500},
      {"add appends", one, op(add, "c", 1), lines({{"a", 1000}, {"b", 500}, {"c", 1}}), true, 1},
      {"add sums", one, op(add, "a", 2500), lines({{"a", 3500}, {"b", 500}}), true, 3500},
      {"add reaches the limit", one, op(add, "a", max - 1000), lines({{"a", max}, {"b", 500}}),
       true, max},
      {"a negative add reduces", one, op(add, "a", -400), lines({{"a", 600}, {"b", 500}}), true,
       600},
      {"a line at 0 goes", one, op(add, "a", -1000), lines({{"b", 500}}), true, 0},
      {"a line below 0 goes", one, op(add, "a", -max), lines({{"b", 500}}), true, 0},
      {"the last line goes, the cart stays", with_lines({{"a", 1}}), op(add, "a", -1), lines({}),
       true, 0},
      {"a negative add on an absent line", one, op(add, "z", -1000), one.lines, false, 0},
      {"edit makes the cart", missing(), op(edit, "a", 2000), lines({{"a", 2000}}), true, 2000},
      {"edit sets in place", one, op(edit, "a", 7000), lines({{"a", 7000}, {"b", 500}}), true,
       7000},
      {"edit appends", one, op(edit, "c", 1000), lines({{"a", 1000}, {"b", 500}, {"c", 1000}}),
       true, 1000},
      {"edit to the same", one, op(edit, "a", 1000), one.lines, false, 1000},
      {"edit 0 removes", one, op(edit, "a", 0), lines({{"b", 500}}), true, 0},
      {"edit 0 on an absent line", one, op(edit, "z", 0), one.lines, false, 0},
      {"remove", one, op(remove, "a"), lines({{"b", 500}}), true, 0},
      {"remove an absent line", one, op(remove, "z"), one.lines, false, 0},
      {"empty", one, op(empty), lines({}), true, 0},
      {"empty an empty cart", bare, op(empty), lines({}), false, 0},
      {"empty an empty cart, whatever If-Match says", bare, with_match(op(empty), match_other),
       lines({}), false, 0},
      {"erase", one, op(erase), std::nullopt, true, 0, true},
      {"erase with If-Match", one, with_match(op(erase), match_current), std::nullopt, true, 0,
       true},
      {"erase nothing", missing(), op(erase), std::nullopt, false, 0},
      {"erase nothing, whatever If-Match says", missing(), with_match(op(erase), match_other),
       std::nullopt, false, 0},
      {"If-Match: one of a list", one, with_match(op(add, "a", 1000), match_current),
       lines({{"a", 2000}, {"b", 500}}), true, 2000},
      {"If-Match: *", one, with_match(op(remove, "b"), match_any), lines({{"a", 1000}}), true, 0},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    auto cart = row.before;
    const auto outcome = apply(cart, row.operation, next, Limits{});
    ASSERT_TRUE(outcome);
    const auto version = row.changed ? next : old_version;
    EXPECT_EQ(*outcome, (Outcome{.kind = row.operation.kind,
                                 .id = some_id(),
                                 .version = version,
                                 .quantity = Quantity::from_thousandths(row.told),
                                 .existed = row.existed,
                                 .changed = row.changed}));
    EXPECT_EQ(cart.exists, row.after.has_value());
    EXPECT_EQ(cart.lines, row.after.value_or(std::vector<Line>{}));
    EXPECT_EQ(cart.version, version);
    EXPECT_EQ(cart.id, some_id());
  }
}

struct Refusal {
  const char* what;
  Cart before;
  Operation operation;
  Errc code;
  const char* field = "";
};

TEST(Apply, RefusalsLeaveTheCartUntouched) {
  const auto max = Quantity::thousandths_max;
  const auto one = with_lines({{"a", 1000}, {"b", 500}});
  const Refusal table[] = {
      {"add 0", one, op(add, "a", 0), Errc::invalid_field, "quantite"},
      {"add 0 on a missing cart", missing(), op(add, "a", 0), Errc::invalid_field, "quantite"},
      {"edit negative", one, op(edit, "a", -1), Errc::invalid_field, "quantite"},
      {"edit negative on a missing cart", missing(), op(edit, "a", -1), Errc::invalid_field,
       "quantite"},
      {"edit beyond the limit", one, op(edit, "a", max + 1), Errc::invalid_field, "quantite"},
      {"add a number that would overflow", one, op(add, "a", INT64_MAX), Errc::invalid_field,
       "quantite"},
      {"take a number that would overflow", one, op(add, "a", INT64_MIN), Errc::invalid_field,
       "quantite"},
      {"add nothing", one, op(add), Errc::invalid_field, "article_id"},
      {"add below 0 on a missing cart", missing(), op(add, "a", -1), Errc::cart_not_found},
      {"edit 0 on a missing cart", missing(), op(edit, "a", 0), Errc::cart_not_found},
      {"remove on a missing cart", missing(), op(remove, "a"), Errc::cart_not_found},
      {"empty a missing cart", missing(), op(empty), Errc::cart_not_found},
      {"a sum past the limit", one, op(add, "a", max), Errc::quantity_too_large, "quantite"},
      {"one line too many by add", one, op(add, "c", 1), Errc::too_many_lines, "article_id"},
      {"one line too many by edit", one, op(edit, "c", 1), Errc::too_many_lines, "article_id"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    auto cart = row.before;
    const auto outcome = apply(cart, row.operation, next, Limits{.lines_max = 2});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, row.code);
    EXPECT_EQ(outcome.error().field, row.field);
    EXPECT_EQ(cart, row.before);
  }
}

TEST(Apply, IfMatchRefusesEveryKind) {
  for (const auto kind : {create, add, edit, remove, empty}) {
    SCOPED_TRACE(to_string(kind));
    for (const auto& match : {match_current, match_other, match_any}) {
      auto cart = missing(); // a missing cart matches nothing, not even *
      const auto outcome = apply(cart, with_match(op(kind, "a", 1000), match), next, Limits{});
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code, Errc::precondition_failed);
      EXPECT_EQ(cart, missing());
    }
  }
  for (const auto kind : {create, add, edit, remove, empty, erase}) {
    SCOPED_TRACE(to_string(kind));
    const auto before = with_lines({{"a", 1000}});
    auto cart = before;
    const auto outcome = apply(cart, with_match(op(kind, "a", 1000), match_other), next, Limits{});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::precondition_failed);
    EXPECT_EQ(cart, before);
  }
}

TEST(Apply, ATombstoneComesBackWithItsIdAndANewVersion) {
  auto cart = with_lines({{"a", 1000}});
  ASSERT_TRUE(apply(cart, op(erase), 50, Limits{}));
  EXPECT_EQ(cart.version, 50);
  ASSERT_TRUE(apply(cart, op(add, "b", 1000), 51, Limits{}));
  EXPECT_EQ(cart.id, some_id());
  EXPECT_EQ(cart.version, 51);
  EXPECT_EQ(cart.lines, lines({{"b", 1000}}));
}

TEST(Creates, OnlyWhatMakesACartOutOfNothing) {
  EXPECT_TRUE(creates(op(create)));
  EXPECT_TRUE(creates(op(add, "a", 1)));
  EXPECT_TRUE(creates(op(edit, "a", 1)));
  EXPECT_FALSE(creates(op(add, "a", 0)));
  EXPECT_FALSE(creates(op(add, "a", -1)));
  EXPECT_FALSE(creates(op(edit, "a", 0)));
  EXPECT_FALSE(creates(op(remove, "a")));
  EXPECT_FALSE(creates(op(empty)));
  EXPECT_FALSE(creates(op(erase)));
  EXPECT_FALSE(creates(with_match(op(create), match_any)));
  EXPECT_FALSE(creates(with_match(op(add, "a", 1), match_current)));
}

} // namespace
} // namespace panier::cart
