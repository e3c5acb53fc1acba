// GET /paniers/health: what the service knows of itself and of both stores, from memory.
#pragma once

#include "http/message.hpp"
#include "service/cart_service.hpp"

namespace panier::api {

[[nodiscard]] std::string_view
policy_name(service::Policy policy) noexcept; // "strict", "available"

// 200 while a store can serve, else 503 in the shape of every other error, with the same members
// besides.
[[nodiscard]] http::Response health_answer(const service::Health& health);

} // namespace panier::api
