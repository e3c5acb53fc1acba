// The loops that a run's fibers stand in for: the same code on its own threads, by the real clock.
#pragma once

#include <string>
#include <vector>

namespace panier::sim {

// Clients on threads of their own, a store that is busy and once away, a stop with writes under
// way. Takes some two seconds, and is not repeatable, so it looks at the end alone: one line for
// each promise that was not kept.
[[nodiscard]] std::vector<std::string> run_on_threads();

} // namespace panier::sim
