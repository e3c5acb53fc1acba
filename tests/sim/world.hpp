// One run: several instances of the real commit, service and upkeep code on simulated stores,
// clients that collide, and everything that can go wrong, all drawn from one seed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plan.hpp"

namespace panier::sim {

struct Options {
  std::uint64_t seed = 1;
  bool trace = false;
  // For shrinking: troubles and requests, by their names, that this time do not happen.
  std::set<std::string> without{};
  // Instead of a plan drawn from the seed.
  std::optional<Script> script{};
};

struct Outcome {
  std::vector<std::string> violations; // of the promises; empty: all were kept
  std::vector<std::string> troubles;   // what went wrong, by name, in order
  std::vector<std::string> requests;   // what clients asked, by name
  std::string trace;
  int acknowledged = 0, failed = 0, unknown = 0, reads = 0, crashes = 0;
  int scripted_calls = 0; // that the lanes made since the operation under test was sent
  int undecided = 0;      // carts that the checker could not judge
};

[[nodiscard]] Outcome run(const Options& options);

} // namespace panier::sim
