// The only clock of unit and simulation tests: it moves when told.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "runtime/clock.hpp"

namespace panier::test {

class ManualClock final : public runtime::Clock {
public:
  [[nodiscard]] runtime::SteadyTime steady() const override {
    if (at_next_look) std::exchange(at_next_look, {})();
    return runtime::SteadyTime(std::chrono::milliseconds(steady_ms_.load()));
  }
  [[nodiscard]] runtime::WallTime wall() const override {
    return runtime::WallTime(std::chrono::milliseconds(wall_ms_.load()));
  }
  void advance(std::chrono::milliseconds by) {
    steady_ms_ += by.count();
    wall_ms_ += by.count();
  }
  // The wall clock alone: set forward or back.
  void set_wall(runtime::WallTime to) { wall_ms_ = to.time_since_epoch().count(); }

  // Runs once, inside the next look at steady(): what happens in the middle of something else. For
  // tests with one thread.
  mutable std::function<void()> at_next_look;

private:
  std::atomic<std::int64_t> steady_ms_{1'000'000};
  std::atomic<std::int64_t> wall_ms_{1'764'000'000'000};
};

} // namespace panier::test
