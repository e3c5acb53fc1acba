#include "catalogue/breaker.hpp"

#include <algorithm>

namespace panier::catalogue {

void Breaker::answered() {
  failures_ = 0;
  // While open, only health decides: this may be the late answer to an old question.
  if (state_ == State::suspect) state_ = State::closed;
}

void Breaker::failed(Time now) {
  if (++failures_ >= failures_max && state_ == State::closed) doubt(State::suspect, now);
}

void Breaker::silent(Time now) {
  if (++failures_ >= failures_max && state_ != State::open) doubt(State::open, now);
}

void Breaker::doubt(State state, Time now) {
  state_ = state;
  next_probe_ = now;
}

bool Breaker::probe_due(Time now) const {
  return state_ != State::closed && !probing_ && now >= next_probe_;
}

void Breaker::probed(bool healthy, Time now) {
  probing_ = false;
  if (healthy) {
    state_ = State::closed;
    failures_ = 0;
    pause_ = first_pause;
    return;
  }
  // An article was had while the question was out: that is the better answer.
  if (state_ == State::closed) return;
  state_ = State::open;
  next_probe_ = now + pause_;
  pause_ = std::min(2 * pause_, pause_max);
}

Breaker::Time Breaker::next_probe() const {
  return state_ == State::closed || probing_ ? Time::max() : next_probe_;
}

} // namespace panier::catalogue
