#include "shrink.hpp"

#include <algorithm>

namespace panier::sim {
namespace {

constexpr int rounds_max = 12; // leaving one thing out may let another happen

bool fails_without(Options& options, const std::vector<std::string>& more) {
  Options fewer = options;
  fewer.without.insert(more.begin(), more.end());
  if (fewer.without.size() == options.without.size() || run(fewer).violations.empty()) return false;
  options = std::move(fewer);
  return true;
}

// In halves first, then one by one.
bool leave_out(Options& options, const std::vector<std::string>& names) {
  bool any = false;
  for (std::size_t size = std::max<std::size_t>(names.size() / 2, 1); size > 0; size /= 2) {
    for (std::size_t begin = 0; begin < names.size(); begin += size) {
      const auto from = names.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto to =
          names.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, names.size()));
      any = fails_without(options, {from, to}) || any;
    }
  }
  return any;
}

} // namespace

Options shrink(Options options) {
  options.trace = false;
  for (int round = 0; round < rounds_max; ++round) {
    const auto outcome = run(options);
    const bool fewer_requests = leave_out(options, outcome.requests);
    const bool fewer_troubles = leave_out(options, run(options).troubles);
    if (!fewer_requests && !fewer_troubles) break;
  }
  options.trace = true;
  return options;
}

} // namespace panier::sim
