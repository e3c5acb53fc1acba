// Tombstones older than a day: mirror first, by version, then the ledger, under the cart's lock and
// only if no lane lists it; the floor rises with it. And idempotency keys of that age.
//
// The age is by the ledger's clock, and that may be set forward: a tombstone that an abort made a
// moment ago looks old then, while the aborted write is still on its way to the mirror, where it
// would find nothing and come back from the dead. So a tombstone must also have stood unchanged for
// a while by our own steady clock.
#pragma once

#include <map>

#include "upkeep/stores.hpp"

namespace panier::upkeep {

class Purge {
public:
  Purge(Stores& stores, std::chrono::milliseconds keep, GoOn go_on = go_on_always)
      : stores_(stores), keep_(keep), go_on_(std::move(go_on)) {}
  // Bounded; what is left waits for the next run.
  Result<void> run_once();

private:
  struct Seen {
    cart::Version version = 0;
    runtime::SteadyTime first;
  };
  Result<void> keys(commit::LedgerTime before);
  [[nodiscard]] std::vector<commit::Listed> stood_long(const std::vector<commit::CartRow>& rows);
  Result<void> tombstones(std::span<const commit::Listed> old);
  [[nodiscard]] std::vector<commit::Listed>
  gone_from_mirror(std::span<const commit::Listed> tombstones);

  Stores& stores_;
  const std::chrono::milliseconds keep_;
  const GoOn go_on_;
  std::map<commit::UserId, Seen> seen_; // tombstones that were old enough when last looked at
};

} // namespace panier::upkeep
