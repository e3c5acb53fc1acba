// A wall-clock time as text, UTC: 2026-11-25T02:00:00.123Z. Logs, health and the failure log show
// it so.
#pragma once

#include <string>

#include "runtime/clock.hpp"

namespace panier::runtime {

[[nodiscard]] std::string iso_time(WallTime time);

} // namespace panier::runtime
