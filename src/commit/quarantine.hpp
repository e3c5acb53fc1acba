// Carts whose row the ledger refused again and again: their writes are refused for a day, so that
// they do not make every batch run cart by cart. A refusal counts only if some row was committed
// since the cart's last one: a ledger that refuses every row (a column that nobody fills, a full
// disk) is not the carts' fault. Of all lanes of a process; thread-safe; bounded.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cart/identity.hpp"
#include "commit/limits.hpp"
#include "runtime/clock.hpp"

namespace panier::commit {

class Quarantine {
public:
  enum class Blames : std::uint8_t {
    row,    // this one, for now
    cart,   // it is quarantined from now on
    ledger, // several carts' rows were refused, and nobody's was committed meanwhile
  };
  // The ledger refused this cart's row.
  Blames refused(const cart::UserId& user, runtime::SteadyTime now);
  void row_committed();
  void succeeded(const cart::UserId& user);
  [[nodiscard]] bool holds(const cart::UserId& user, runtime::SteadyTime now) const;
  // Those whose time is over. true: there were some.
  [[nodiscard]] bool release(runtime::SteadyTime now);
  [[nodiscard]] std::size_t carts() const;

private:
  void look_whether_empty(); // under mutex_

  // Nearly always nobody is in here, and nobody who asks has to wait.
  std::atomic<bool> empty_{true};
  mutable std::mutex mutex_;
  // guarded by mutex_:
  struct Strikes {
    int count = 0;
    std::uint64_t last_at = 0; // in committed_
  };
  std::unordered_map<cart::UserId, Strikes> strikes_;
  std::uint64_t committed_ = 1;             // transactions with rows, since somebody is in here
  std::vector<cart::UserId> refused_since_; // the last of these; refusing_carts at most
  std::unordered_map<cart::UserId, runtime::SteadyTime> until_;
};

} // namespace panier::commit
