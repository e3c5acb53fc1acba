// A failing run made small: leaves out troubles and requests as long as some promise stays broken.
#pragma once

#include "world.hpp"

namespace panier::sim {

// The options of the smallest failing run that was found, traced. REQUIRES run(options) fails.
[[nodiscard]] Options shrink(Options options);

} // namespace panier::sim
