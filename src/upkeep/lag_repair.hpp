// Brings the mirror up to the ledger: every cart with a lag row is sent as it is visible now,
// guarded, in bulks of its own; what the mirror then holds has its lag row removed.
#pragma once

#include <unordered_map>

#include "upkeep/stores.hpp"

namespace panier::upkeep {

class LagRepair {
public:
  explicit LagRepair(Stores& stores, GoOn go_on = go_on_always)
      : stores_(stores), go_on_(std::move(go_on)) {}

  // One pass over the lag rows, bounded. Returns how many are left.
  Result<std::int64_t> run_once();

private:
  struct Backoff {
    std::chrono::milliseconds delay;
    runtime::SteadyTime retry_at;
  };
  Result<void> repair(std::vector<commit::Lagging> page, runtime::SteadyTime read_at);
  Result<void> look_closer(const std::vector<commit::Lagging>& doubtful);
  Result<void> raise_lost_versions(std::vector<commit::Lagging>& page);
  // `version` is the mirror's, with its token, or one that it was to reach.
  Result<void> raise_above(const commit::CartRow& row, cart::Version version,
                           const std::optional<cart::Token>& token);
  Result<void> clear_way(const commit::CartRow& row);
  void back_off(const commit::UserId& user);

  Stores& stores_;
  const GoOn go_on_;
  std::unordered_map<commit::UserId, Backoff> backoff_;
};

} // namespace panier::upkeep
