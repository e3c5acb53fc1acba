// Giving up a lane's lists, by anybody but a settling owner: every listed cart gets its OLD content
// under a version above the listed one and a lag row, what was in flight gets a lag row, the lane's
// row is cleared. Others only ever abort; they never finish.
#pragma once

#include "commit/ports/ledger.hpp"

namespace panier::commit {

// Versions are the ledger's clock in ms, or a little above: what is not below this was made by a
// hand.
inline constexpr Version version_limit = Version{1} << 53;

// The smallest version that is new for a cart: above its visible one, above `above`, above the
// floor, not below the ledger's clock.
[[nodiscard]] Version next_version(const Opened& opened, Version visible, Version above);

// An abort of one cart: `row` gets the new version and `token`; its content stays, and so does
// updated_at: an abort is no touch.
void raise_version(CartRow& row, const Opened& opened, Version above, const Token& token);

enum class AbortGround : std::uint8_t {
  expired, // by the ledger's clock: read again under the lock
  unseen, // unchanged for a whole reservation life by the observer's own steady clock, or the owner
          // is known dead
};

struct AbortResult {
  enum class What : std::uint8_t { aborted, changed, busy } what = What::changed;
  std::size_t carts =
      0; // changed: the row has another token, or is not expired; busy: a cart is locked, try again
};

// One transaction of its own: lane row first, token (and, if that was the ground, expiry) read
// again under its lock, then the carts. `seen` is the row as a plain read saw it.
[[nodiscard]] Result<AbortResult> abort_lists(Ledger& ledger, const LaneRow& seen,
                                              AbortGround ground, const Token& abort_token);

} // namespace panier::commit
