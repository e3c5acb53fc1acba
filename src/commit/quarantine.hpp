// Carts whose row the ledger refused again and again: their writes are refused for a day, so that
// they do not make every batch of their lane run cart by cart. Owned by the lane's thread; bounded.
#pragma once

#include <unordered_map>

#include "cart/identity.hpp"
#include "commit/limits.hpp"
#include "runtime/clock.hpp"

namespace panier::commit {

class Quarantine {
public:
  // The ledger refused this cart's row. true: it is quarantined from now on.
  bool refused(const cart::UserId& user, runtime::SteadyTime now);
  void succeeded(const cart::UserId& user) {
    if (!strikes_.empty()) strikes_.erase(user);
  }
  [[nodiscard]] bool holds(const cart::UserId& user, runtime::SteadyTime now);
  [[nodiscard]] std::size_t carts() const { return until_.size(); }

private:
  std::unordered_map<cart::UserId, int> strikes_;
  std::unordered_map<cart::UserId, runtime::SteadyTime> until_;
};

} // namespace panier::commit
