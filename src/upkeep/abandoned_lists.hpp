// Lists of lanes that no longer settle them: aborted once they have expired by the ledger's clock,
// or once they stood unchanged for a whole reservation life by our own steady clock (a ledger clock
// that was set back must not park a cart for an hour; aborting early is always safe). Then the rows
// of the dead are deleted.
#pragma once

#include <map>

#include "commit/abort.hpp"
#include "upkeep/stores.hpp"

namespace panier::upkeep {

class AbandonedLists {
public:
  explicit AbandonedLists(Stores& stores) : stores_(stores) {}

  // One look at all rows.
  Result<void> run_once();
  // At start, with a ledger that only this process may have open: every list is of the dead.
  Result<void> abort_all();
  Result<void> delete_dead_rows();

private:
  struct Seen {
    cart::Token token;
    runtime::SteadyTime first;
  };
  Result<void> abort(const commit::LaneRow& row, commit::AbortGround ground);

  Stores& stores_;
  std::map<commit::LaneKey, Seen> seen_; // outstanding lists as last looked at
};

} // namespace panier::upkeep
