// Tombstones older than a day: mirror first, by version, then the ledger, under the cart's lock and
// only if no lane lists it; the floor rises with it. And idempotency keys of that age.
#pragma once

#include "upkeep/stores.hpp"

namespace panier::upkeep {

class Purge {
public:
  Purge(Stores& stores, std::chrono::milliseconds keep) : stores_(stores), keep_(keep) {}
  // Bounded; what is left waits for the next run.
  Result<void> run_once();

private:
  Result<void> keys(commit::LedgerTime before);
  Result<std::size_t> tombstones(commit::LedgerTime before);
  [[nodiscard]] std::vector<commit::Listed>
  gone_from_mirror(const std::vector<commit::CartRow>& rows);

  Stores& stores_;
  const std::chrono::milliseconds keep_;
};

} // namespace panier::upkeep
