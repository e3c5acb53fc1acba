// Whether one URL of the articles service is asked. Pure: time is an argument.
//
// An unknown article and the service's own trouble look alike (both answer 500), so errors alone do
// not take a URL out of use: they make it suspect, and its `health` decides. Silence and refused
// connections do, because each costs a wait. `health` brings it back.
#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/clock.hpp"

namespace panier::catalogue {

class Breaker {
public:
  using Time = runtime::SteadyTime;
  static constexpr int failures_max = 3;                       // in a row
  static constexpr std::chrono::milliseconds first_pause{500}; // between two questions for health,
  static constexpr std::chrono::milliseconds pause_max{5'000}; // doubled up to this

  enum class State : std::uint8_t { closed, suspect, open };
  [[nodiscard]] State state() const { return state_; }
  // Are articles asked for here?
  [[nodiscard]] bool usable() const { return state_ != State::open; }

  // What came of asking for an article: an answer; an error; no answer at all.
  void answered();
  void failed(Time now);
  void silent(Time now);

  // Is `health` to be asked for now? At most one question is out.
  [[nodiscard]] bool probe_due(Time now) const;
  void probe_sent() { probing_ = true; }
  void probed(bool healthy, Time now);
  // When probe_due() will next say yes by itself; Time::max(): not before something fails.
  [[nodiscard]] Time next_probe() const;

private:
  void doubt(State state, Time now);

  State state_ = State::suspect; // at start nobody knows: health is asked for at once
  int failures_ = 0;             // in a row
  bool probing_ = false;
  Time next_probe_{};
  std::chrono::milliseconds pause_ = first_pause;
};

} // namespace panier::catalogue
