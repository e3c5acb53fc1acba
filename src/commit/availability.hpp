// May a write be taken at all right now? Asked before it is queued and again when its turn comes,
// so that nobody waits for a store that is known to be down.
#pragma once

#include <optional>

#include "commit/protocol.hpp"
#include "runtime/store_state.hpp"

namespace panier::commit {

// nullopt: yes. `mirror` is nullptr where there is none.
[[nodiscard]] std::optional<Error> refuses_writes(Policy policy, const runtime::StoreState& ledger,
                                                  const runtime::StoreState* mirror);
// As above, for those who may send them elsewhere: a store on trial will not do either.
[[nodiscard]] std::optional<Error> not_ready(Policy policy, const runtime::StoreState& ledger,
                                             const runtime::StoreState* mirror);

} // namespace panier::commit
