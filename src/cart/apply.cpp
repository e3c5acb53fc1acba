#include "cart/cart.hpp"

#include <algorithm>

namespace panier::cart {

namespace {

constexpr Quantity quantity_max = Quantity::from_thousandths(Quantity::thousandths_max);

bool has_line(OperationKind kind) {
  return kind == OperationKind::add || kind == OperationKind::edit || kind == OperationKind::remove;
}

// What is wrong with the operation whatever the cart holds.
Result<void> check_operation(const Operation& operation) {
  if (!has_line(operation.kind)) return {};
  if (!operation.line) return fail(Errc::invalid_field, "missing", "article_id");
  if (operation.kind == OperationKind::remove) return {};
  const auto n = operation.quantity.thousandths();
  if (n > Quantity::thousandths_max || n < -Quantity::thousandths_max)
    return fail(Errc::invalid_field, "beyond 1000000", "quantite");
  if (operation.kind == OperationKind::add && n == 0)
    return fail(Errc::invalid_field, "adding 0 means nothing", "quantite");
  if (operation.kind == OperationKind::edit && n < 0)
    return fail(Errc::invalid_field, "a quantity cannot be negative", "quantite");
  return {};
}

// Operations that find their wish fulfilled succeed whatever If-Match says: a proxy may send a
// DELETE twice, and the second must not be told 412.
bool already_done(const Cart& cart, const Operation& operation) {
  if (operation.kind == OperationKind::erase) return !cart.exists;
  if (operation.kind == OperationKind::empty) return cart.exists && cart.lines.empty();
  return false;
}

Result<void> check_cart(const Cart& cart, const Operation& operation) {
  if (operation.if_match && !operation.if_match->matches(cart))
    return fail(Errc::precondition_failed);
  if (!cart.exists && !creates(operation)) return fail(Errc::cart_not_found);
  return {};
}

// The quantity that the line is to have; 0 or less: it goes.
Quantity wanted(Quantity present, const Operation& operation) {
  if (operation.kind == OperationKind::add) return present + operation.quantity;
  if (operation.kind == OperationKind::edit) return operation.quantity;
  return Quantity{};
}

// A line above its stock (which shrank meanwhile) may stay and may go down; only more is refused.
Result<void> check_ceiling(Quantity present, Quantity quantity, const Operation& operation) {
  const auto& ceiling = operation.ceiling;
  if (!ceiling || quantity <= present || quantity <= ceiling->limit) return {};
  Error error{.code = ceiling->refusal};
  if (error.code == Errc::article_not_found) error.field = "article_id";
  if (error.code == Errc::stock_insufficient) {
    error.field = "quantite";
    error.shortage =
        Shortage{.stock = ceiling->limit.thousandths(), .quantity = quantity.thousandths()};
  }
  return std::unexpected(std::move(error));
}

// Brings one line to what the operation wants; outcome.changed says whether that was anything new.
Result<void> apply_to_line(Cart& cart, const Operation& operation, const Limits& limits,
                           Outcome& outcome) {
  auto& lines = cart.lines;
  const auto line = std::ranges::find(lines, *operation.line, &Line::key);
  const auto present = line == lines.end() ? Quantity{} : line->quantity;
  const auto quantity = std::max(wanted(present, operation), Quantity{});
  outcome.quantity = quantity;
  if (quantity == present) return {};
  if (quantity > quantity_max) return fail(Errc::quantity_too_large, {}, "quantite");
  if (line == lines.end() && lines.size() >= limits.lines_max)
    return fail(Errc::too_many_lines, {}, "article_id");
  if (auto ok = check_ceiling(present, quantity, operation); !ok)
    return std::unexpected(ok.error());
  if (line == lines.end()) {
    lines.push_back({*operation.line, quantity});
  } else if (quantity.positive()) {
    line->quantity = quantity;
  } else {
    lines.erase(line);
  }
  outcome.changed = true;
  return {};
}

} // namespace

std::string_view to_string(OperationKind kind) noexcept {
  switch (kind) {
  case OperationKind::create: return "create";
  case OperationKind::add: return "add";
  case OperationKind::edit: return "edit";
  case OperationKind::remove: return "remove";
  case OperationKind::empty: return "empty";
  case OperationKind::erase: return "erase";
  }
  return "unknown";
}

bool IfMatch::matches(const Cart& cart) const {
  return cart.exists && (any || std::ranges::count(versions, cart.version) > 0);
}

bool creates(const Operation& operation) {
  if (operation.if_match) return false; // it asks for a cart that is there
  if (operation.kind == OperationKind::create) return true;
  return (operation.kind == OperationKind::add || operation.kind == OperationKind::edit) &&
         operation.quantity.positive();
}

Result<Outcome> apply(Cart& cart, const Operation& operation, Version next, const Limits& limits) {
  if (auto ok = check_operation(operation); !ok) return std::unexpected(ok.error());
  Outcome outcome{.kind = operation.kind, .id = cart.id, .version = cart.version, .quantity = {}};
  const bool tells_existence =
      operation.kind == OperationKind::create || operation.kind == OperationKind::erase;
  outcome.existed = tells_existence && cart.exists;
  if (already_done(cart, operation)) return outcome;
  if (auto ok = check_cart(cart, operation); !ok) return std::unexpected(ok.error());

  // From here only apply_to_line() may still refuse, and it does so before it touches a line.
  if (has_line(operation.kind)) {
    if (auto ok = apply_to_line(cart, operation, limits, outcome); !ok)
      return std::unexpected(ok.error());
  } else if (operation.kind == OperationKind::create) {
    outcome.changed = !cart.exists;
  } else {
    outcome.changed = true;
    cart.lines.clear();
  }
  if (!outcome.changed) return outcome;
  cart.exists = operation.kind != OperationKind::erase;
  cart.version = next;
  outcome.version = next;
  return outcome;
}

} // namespace panier::cart
