// What every piece of upkeep works with: a connection to each store of its own, the states, the
// clock. Owned by the upkeep thread.
#pragma once

#include <functional>
#include <memory>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "commit/protocol.hpp"
#include "runtime/metrics.hpp"
#include "runtime/store_state.hpp"

namespace panier::upkeep {

struct Stores {
  const runtime::Clock& clock;
  runtime::Metrics& metrics;
  runtime::StoreState& ledger_state;
  runtime::StoreState& mirror_state;
  std::unique_ptr<commit::Ledger> ledger;
  std::unique_ptr<commit::Mirror> mirror; // nullptr: PANIER_MIRROR=none
  std::unique_ptr<commit::IdSource> ids;
  std::chrono::milliseconds mirror_timeout{2'000};
  std::chrono::milliseconds reservation_ttl{5'000};
};

// Asked between the pages of what may take long: does meanwhile what cannot wait. false: stop here.
using GoOn = std::function<bool()>;
inline bool go_on_always() {
  return true;
}

} // namespace panier::upkeep
