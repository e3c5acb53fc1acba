// One cart in a ledger transaction of upkeep's own: while it is locked and in no lane's list, no
// lane writes it, so what the mirror holds of it can be judged and cleared.
#pragma once

#include "commit/ports/ledger.hpp"

namespace panier::upkeep {

enum class Lists : std::uint8_t {
  reserved, // the mirror may rightly hold what is not visible yet
  all,      // and rightly lack what is in flight
};
[[nodiscard]] bool lists(const commit::LaneRow& lane, const commit::UserId& user, Lists which);

// Locks the cart. nullopt, and no transaction is open: somebody else has it in hand, or it is gone;
// the next pass looks again.
[[nodiscard]] Result<std::optional<commit::Opened>>
open_alone(commit::Ledger& ledger, const commit::UserId& user, Lists which);

// The end of a transaction. A conflict, or a COMMIT that nobody answered, is no failure here: the
// next pass finds the cart as it is then.
[[nodiscard]] Result<void> or_next_pass(Result<void> committed);

} // namespace panier::upkeep
