// The carts over HTTP: every route below /paniers. A handler parses, calls the service and answers;
// it never blocks.
#pragma once

#include <string>
#include <vector>

#include "http/router.hpp"
#include "service/cart_service.hpp"

namespace panier::api {

struct ApiSettings {
  std::vector<std::string> cors_origins = {}; // CORS_ORIGINS; empty: no CORS headers
  bool cors = true;                           // PANIER_CORS; false: none, whatever the origins are
  bool has_mirror = true;                     // false: PANIER_MIRROR=none
};

// `service` must outlive the router and every answer that is still due.
[[nodiscard]] http::Router make_cart_router(service::CartService& service, ApiSettings settings);

} // namespace panier::api
