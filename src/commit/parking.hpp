// Writes whose cart another lane holds: tried again after a delay that doubles, while everything
// else goes on. Owned by the lane's thread. Bounded by the lane's queue, which counts every
// unanswered write, and a cart's by parked_writes_max.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

#include "commit/pending_write.hpp"

namespace panier::commit {

class Parking {
public:
  explicit Parking(std::chrono::milliseconds retry_first) : retry_first_(retry_first) {}

  // The writes whose time has come, a cart's in order of arrival and all of them or none; at most
  // `max`, which must not be less than parked_writes_max.
  [[nodiscard]] std::vector<PendingWritePtr> take_due(runtime::SteadyTime now, std::size_t max);
  // A write for a cart that is parked waits behind it, or is answered cart_busy where
  // parked_writes_max of them wait already. false: the cart is not parked.
  bool join(const PendingWritePtr& write);
  // These could not be done now. All writes of a cart come in one call.
  void park(std::vector<PendingWritePtr> writes, runtime::SteadyTime now);
  // The rest of what take_due() gave was carried: those carts start anew with the first delay.
  void settle_delays();
  // When take_due() next has something; nullopt: nothing is parked.
  [[nodiscard]] std::optional<runtime::SteadyTime> next_due() const;
  // With writes that wait, or remembered for their delay.
  [[nodiscard]] std::vector<UserId> carts() const;
  // No write waits here. A cart that is only remembered for its delay does not count: its writes
  // may have been answered meanwhile.
  [[nodiscard]] bool empty() const { return !next_due(); }

private:
  struct Cart {
    std::vector<PendingWritePtr> writes; // empty: being tried
    runtime::SteadyTime retry_at;
    std::chrono::milliseconds delay;
  };
  const std::chrono::milliseconds retry_first_;
  std::unordered_map<UserId, Cart> carts_;
};

} // namespace panier::commit
