// What the stock of an article means for an operation on its line. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "cart/cart.hpp"
#include "catalogue/cache.hpp"

namespace panier::service {

// PANIER_STOCK_UNKNOWN: what becomes of an add while the articles service does not tell the stock.
enum class UnknownStock : std::uint8_t { refuse, accept };

// Can the operation put more into a line than it holds? Only then the stock matters.
[[nodiscard]] bool may_raise(const cart::Operation& operation);

// `finding` must not be stale. nullopt: the line may hold anything.
[[nodiscard]] std::optional<cart::Ceiling> ceiling_for(const catalogue::Finding& finding,
                                                       UnknownStock unknown);

} // namespace panier::service
