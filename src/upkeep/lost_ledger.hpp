// A ledger without a single cart beside a mirror that has documents: it was lost, or it is not the
// one that was meant (an unmounted volume, another database's name). Carts are never all gone from
// the ledger first: a purge takes the mirror's document before the row. Whoever went on would take
// the mirror, perhaps the last copy there is, for leftovers and remove it.
#pragma once

#include <string>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"

namespace panier::upkeep {

// Empty: the ledger has a cart, or neither store has anything. Otherwise what is wrong, and what to
// do, for an operator. An error: the store that decides does not answer.
[[nodiscard]] Result<std::string> seems_lost(commit::Ledger& ledger, commit::Mirror& mirror,
                                             commit::Mirror::Timeout timeout);

} // namespace panier::upkeep
