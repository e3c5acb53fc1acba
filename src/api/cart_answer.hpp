// What a cart, or what was done to one, looks like to a client.
#pragma once

#include <optional>
#include <string>

#include "commit/receipt.hpp"
#include "http/message.hpp"
#include "service/cart_service.hpp"

namespace panier::api {

// The answer to a write that succeeded. `article`: the line it was about (add, edit, remove).
// `has_mirror`: without one (PANIER_MIRROR=none) nothing is pending, and rs.mongo stays null.
[[nodiscard]] http::Response write_answer(const commit::Receipt& receipt,
                                          const std::optional<cart::LineKey>& article,
                                          bool has_mirror);

// The cart, or 304 where `if_none_match` (all its lines, joined; empty: none) names it.
[[nodiscard]] http::Response cart_answer(const service::ShownCart& cart,
                                         std::string_view if_none_match);

} // namespace panier::api
