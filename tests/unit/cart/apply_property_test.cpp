// Whatever is done to a cart in whatever order: the invariants hold, and a plain model agrees.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "cart/cart.hpp"

namespace panier::cart {
namespace {

constexpr Limits limits{.lines_max = 3};
constexpr auto max = Quantity::thousandths_max;

Operation any_operation(Version current) {
  using enum OperationKind;
  Operation operation{
      .kind = *rc::gen::element(create, add, add, add, edit, edit, remove, empty, erase),
      .user = *UserId::parse("u"),
      .line = LineKey::parse(*rc::gen::element("a", "b", "c", "d", "e")),
      .quantity = Quantity::from_thousandths(
          *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(-3000, 3001),
                          rc::gen::element<std::int64_t>(0, max, -max, max - 1, 1, -1))),
      .if_match = std::nullopt};
  switch (*rc::gen::inRange(0, 8)) {
  case 0: operation.if_match = IfMatch{.any = true, .versions = {}}; break;
  case 1: operation.if_match = IfMatch{.any = false, .versions = {current}}; break;
  case 2: operation.if_match = IfMatch{.any = false, .versions = {current + 1000}}; break;
  default: break;
  }
  return operation;
}

void check_invariants(const Cart& cart) {
  RC_ASSERT(cart.lines.size() <= limits.lines_max);
  RC_ASSERT(cart.exists || cart.lines.empty());
  std::map<LineKey, int> seen;
  for (const auto& line : cart.lines) {
    RC_ASSERT(line.quantity.thousandths() > 0);
    RC_ASSERT(line.quantity.thousandths() <= max);
    RC_ASSERT(++seen[line.key] == 1);
  }
}

RC_GTEST_PROP(ApplyProperty, InvariantsHoldAndRefusalsChangeNothing, ()) {
  Cart cart;
  const auto steps = *rc::gen::inRange(1, 40);
  for (Version next = 1; next <= steps; ++next) {
    const auto before = cart;
    const auto operation = any_operation(cart.version);
    const auto outcome = apply(cart, operation, next, limits);
    check_invariants(cart);
    if (!outcome || !outcome->changed) {
      RC_ASSERT(cart == before);
    } else {
      RC_ASSERT(cart.version == next);
      RC_ASSERT(!(cart.lines == before.lines && cart.exists == before.exists));
    }
    if (outcome) RC_ASSERT(outcome->version == cart.version);
    // What creates() promises is what the lane makes a row for.
    if (!before.exists && cart.exists) RC_ASSERT(creates(operation));
  }
}

// The same rules told in another way: a map that knows no order, no If-Match and no limits.
struct Model {
  std::optional<std::map<LineKey, std::int64_t>> lines;

  void apply(const Operation& operation) {
    using enum OperationKind;
    const auto n = operation.quantity.thousandths();
    if (operation.kind == erase) return lines.reset();
    if (operation.kind == create || n > 0) {
      if (!lines && (operation.kind == create || operation.kind == add || operation.kind == edit))
        lines.emplace();
    }
    if (!lines) return;
    if (operation.kind == empty) lines->clear();
    if (operation.kind == create || operation.kind == empty) return;
    auto& quantity = (*lines)[*operation.line];
    if (operation.kind == add) quantity += n;
    if (operation.kind == edit) quantity = n;
    if (operation.kind == remove || quantity <= 0) lines->erase(*operation.line);
  }
};

RC_GTEST_PROP(ApplyProperty, AFoldIsWhatAPlainModelSays, ()) {
  Cart cart;
  Model model;
  const auto steps = *rc::gen::inRange(1, 60);
  for (Version next = 1; next <= steps; ++next) {
    const auto operation = any_operation(cart.version);
    if (apply(cart, operation, next, limits)) model.apply(operation);
    RC_ASSERT(cart.exists == model.lines.has_value());
    std::map<LineKey, std::int64_t> held;
    for (const auto& line : cart.lines)
      held[line.key] = line.quantity.thousandths();
    RC_ASSERT(held == model.lines.value_or(std::map<LineKey, std::int64_t>{}));
  }
}

RC_GTEST_PROP(ApplyProperty, RepeatingAnEditOrARemovalChangesNothing, ()) {
  Cart cart;
  for (Version next = 1; next <= 10; ++next)
    (void)apply(cart, any_operation(0), next, limits);
  auto operation = any_operation(cart.version);
  operation.if_match.reset();
  RC_PRE(operation.kind != OperationKind::add);
  if (!apply(cart, operation, 11, limits)) return;
  const auto once = cart;
  const auto again = apply(cart, operation, 12, limits);
  RC_ASSERT(again.has_value());
  RC_ASSERT(!again->changed);
  RC_ASSERT(cart == once);
}

} // namespace
} // namespace panier::cart
