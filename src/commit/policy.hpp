// The two write policies (docs/adr/0001): when is a write acknowledged?
#pragma once

#include <cstdint>

namespace panier::commit {

enum class Policy : std::uint8_t {
  strict,    // both stores hold it
  available, // the ledger holds it; the mirror follows
};

} // namespace panier::commit
