// The cart as a value, the operations on it, and apply(): pure, no I/O, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cart/identity.hpp"
#include "cart/quantity.hpp"
#include "result/result.hpp"

namespace panier::cart {

struct Line {
  LineKey key;
  Quantity quantity; // 0.001 to 1,000,000
  friend bool operator==(const Line&, const Line&) = default;
};

// A user's cart. One that is not there (never created, or deleted: a tombstone) has exists == false
// and no lines; its id and version go on.
struct Cart {
  CartId id;
  Version version = 0;
  bool exists = false;
  std::vector<Line> lines; // in the order in which they were first added; a key stands once
  friend bool operator==(const Cart&, const Cart&) = default;
};

enum class OperationKind : std::uint8_t { create, add, edit, remove, empty, erase };
[[nodiscard]] std::string_view to_string(OperationKind kind) noexcept;

// If-Match: `*` (any existing cart) or one of these versions.
struct IfMatch {
  bool any = false;
  std::vector<Version> versions;
  [[nodiscard]] bool matches(const Cart& cart) const;
};

// How far a line may be raised: the stock. Judged by apply(), where the line's total is known and
// nobody else can change it, so that concurrent adds cannot pass it together. Lowering a line never
// asks.
struct Ceiling {
  Quantity limit;                          // of the line's total
  Errc refusal = Errc::stock_insufficient; // of more
};

struct Operation {
  OperationKind kind = OperationKind::create;
  UserId user;
  std::optional<LineKey> line; // add, edit, remove
  Quantity quantity;           // add: the change; edit: the new quantity, 0 removes
  std::optional<IfMatch> if_match;
  std::optional<Ceiling> ceiling = {}; // add, edit; nullopt: none
};

// Does this operation make a cart where there is none (if nothing refuses it)?
[[nodiscard]] bool creates(const Operation& operation);

struct Limits {
  std::size_t lines_max = 200;
};

// What is told of an operation that succeeded.
struct Outcome {
  OperationKind kind = OperationKind::create;
  CartId id;
  Version version = 0;  // the version it made, or the current one when it changed nothing
  Quantity quantity;    // add, edit, remove: the line's new quantity, 0 when it went
  bool existed = false; // create, erase: was there a cart before
  bool changed = false; // false: a no-op, which consumed no version
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Applies one operation. On success `cart` is the new cart, with version `next` if the operation
// changed anything. On refusal (cart_not_found, precondition_failed, invalid_field, too_many_lines,
// quantity_too_large, or the ceiling's) it is untouched.
[[nodiscard]] Result<Outcome> apply(Cart& cart, const Operation& operation, Version next,
                                    const Limits& limits);

} // namespace panier::cart
