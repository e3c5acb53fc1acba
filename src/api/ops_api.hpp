// The operator's listener: metrics, liveness, readiness, and the write policy while running.
#pragma once

#include <functional>
#include <string>

#include "http/router.hpp"
#include "service/cart_service.hpp"

namespace panier::api {

// `metrics_text` gives the exposition in Prometheus' text format 0.0.4; it is called on an HTTP
// thread and must not block. `service` must outlive the router.
[[nodiscard]] http::Router make_ops_router(service::CartService& service,
                                           std::function<std::string()> metrics_text);

} // namespace panier::api
