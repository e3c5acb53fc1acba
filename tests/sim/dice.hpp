// Every choice of a run comes from here, so that a seed is the whole run.
#pragma once

#include <cstdint>

namespace panier::sim {

// SplitMix64 (Steele, Lea, Flood 2014): small, fast, good enough to choose by.
class Dice {
public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Both ends included; low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }
  template <class Container>
  auto& pick(Container& from) {
    return from[static_cast<std::size_t>(next() % from.size())];
  }

private:
  std::uint64_t state_;
};

} // namespace panier::sim
