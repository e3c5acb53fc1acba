// Cross-origin headers, for a service that browsers reach without the platform's nginx. Behind it
// they stay off (PANIER_CORS=off): nginx adds its own, and browsers refuse two.
#pragma once

#include <string>
#include <vector>

#include "http/router.hpp"

namespace panier::api {

// `origins`: as in CORS_ORIGINS, "http://localhost:4200"; "*" among them allows every origin.
// Compared exactly, as browsers do. No origins, no headers.
[[nodiscard]] http::Router::Decorate make_cors(std::vector<std::string> origins);

} // namespace panier::api
