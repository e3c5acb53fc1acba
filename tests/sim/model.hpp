// What an operation means, written down a second time on purpose: the checker must not learn it
// from the code under test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cart/cart.hpp"

namespace panier::sim {

struct State {
  bool exists = false;
  std::vector<std::pair<std::string, std::int64_t>> lines; // article, thousandths
  friend bool operator==(const State&, const State&) = default;
};
[[nodiscard]] State state_of(const cart::Cart& cart);
[[nodiscard]] std::string to_text(const State& state);

struct Applied {
  std::optional<Errc> refused{};
  bool changed = false;
  std::int64_t quantity = 0;
  bool existed = false;
};

// `version` of the state; nullopt: unknown, then If-Match is taken on trust.
[[nodiscard]] Applied apply(State& state, std::optional<cart::Version> version,
                            const cart::Operation& what);

} // namespace panier::sim
