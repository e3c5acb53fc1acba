// What every peer does between its SELECT and its UPDATE: the product's own rules.
#pragma once

#include <chrono>
#include <optional>

#include "commit/commit_path.hpp"
#include "store.hpp"

namespace panier::bench {

struct Change {
  StoredCart stored; // as it will be
  cart::Outcome outcome;
};

// `ids` names a cart that is not there yet. Used by one thread.
class Rules {
public:
  explicit Rules(const runtime::Clock& clock) : clock_(clock), ids_(commit::system_ids(clock)) {}

  // Refusals are those of the product. Nothing to write: outcome.changed is false.
  [[nodiscard]] Result<Change> apply(std::optional<StoredCart> found,
                                     const cart::Operation& operation) {
    Change change{.stored = found ? *std::move(found) : StoredCart{}, .outcome = {}};
    auto& cart = change.stored.cart;
    if (change.stored.id_maria == 0) cart.id = ids_->cart_id();
    const cart::Version now = clock_.wall().time_since_epoch().count();
    auto outcome = cart::apply(cart, operation, std::max(now, cart.version + 1), {});
    if (!outcome) return std::unexpected(std::move(outcome).error());
    change.outcome = *outcome;
    return change;
  }
  [[nodiscard]] cart::Token token() { return ids_->token(); }

private:
  const runtime::Clock& clock_;
  std::unique_ptr<commit::IdSource> ids_;
};

} // namespace panier::bench
