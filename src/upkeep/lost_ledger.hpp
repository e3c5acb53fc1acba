// A ledger without a single cart beside a mirror that has documents: it was lost, or it is not the
// one that was meant (an unmounted volume, another database's name). Carts are never all gone from
// the ledger first: a purge takes the mirror's document before the row. Whoever went on would take
// the mirror, perhaps the last copy there is, for leftovers and remove it.
#pragma once

#include <cstdint>
#include <string>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"

namespace panier::upkeep {

struct Lost {
  enum class Is : std::uint8_t {
    no,      // the ledger has a cart, or neither store has anything
    likely,  // `why` says what is wrong and what to do, for an operator
    unknown, // the ledger has no cart, and the mirror does not answer: `why`
  };
  Is is = Is::no;
  std::string why;
};

// An error: the ledger's.
[[nodiscard]] Result<Lost> is_lost(commit::Ledger& ledger, commit::Mirror& mirror);

} // namespace panier::upkeep
