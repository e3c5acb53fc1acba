// Carts whose row the ledger refused again and again: their writes are refused for a day, so that
// they do not make every batch run cart by cart. Of all lanes of a process; thread-safe; bounded.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "cart/identity.hpp"
#include "commit/limits.hpp"
#include "runtime/clock.hpp"

namespace panier::commit {

class Quarantine {
public:
  // The ledger refused this cart's row. true: it is quarantined from now on.
  bool refused(const cart::UserId& user, runtime::SteadyTime now);
  void succeeded(const cart::UserId& user);
  [[nodiscard]] bool holds(const cart::UserId& user, runtime::SteadyTime now) const;
  // Those whose time is over. true: there were some.
  [[nodiscard]] bool release(runtime::SteadyTime now);
  [[nodiscard]] std::size_t carts() const;

private:
  // Nearly always nobody is in here, and nobody who asks has to wait.
  std::atomic<bool> empty_{true};
  mutable std::mutex mutex_;
  // guarded by mutex_:
  std::unordered_map<cart::UserId, int> strikes_;
  std::unordered_map<cart::UserId, runtime::SteadyTime> until_;
};

} // namespace panier::commit
