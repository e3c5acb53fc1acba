#include "runtime/store_state.hpp"

#include "runtime/log.hpp"

namespace panier::runtime {

StoreState::StoreState(std::string name, const Clock& clock) : clock_(clock) {
  snapshot_.name = std::move(name);
  snapshot_.since = clock_.wall();
}

void StoreState::leave_to_probe() {
  std::lock_guard lock(mutex_);
  probed_ = true;
  if (snapshot_.status == Status::unknown) down_.store(true, std::memory_order_relaxed);
}

void StoreState::found_up(std::chrono::microseconds latency) {
  std::lock_guard lock(mutex_);
  snapshot_.latency = latency;
  down_.store(false, std::memory_order_relaxed);
  closed_.store(false, std::memory_order_relaxed);
  const bool quiet = clock_.steady() - last_failure_ >= trial_max;
  if (on_trial_ && !quiet) return;
  if (snapshot_.status == Status::down) {
    unproven_ = true;
    rose_at_ = clock_.steady();
  } else if (quiet) {
    unproven_ = false;
  }
  rise();
}

void StoreState::wrote(std::chrono::microseconds latency) {
  std::lock_guard lock(mutex_);
  snapshot_.latency = latency;
  unproven_ = false;
  last_wrote_ = clock_.steady();
  if (!probed_ || on_trial_) rise();
}

void StoreState::answered(std::chrono::microseconds latency) {
  std::lock_guard lock(mutex_);
  snapshot_.latency = latency;
  if (!probed_) rise();
}

void StoreState::rise() {
  on_trial_ = false;
  down_.store(false, std::memory_order_relaxed);
  closed_.store(false, std::memory_order_relaxed);
  if (snapshot_.status == Status::up) return;
  snapshot_.status = Status::up;
  snapshot_.since = clock_.wall();
  log::info("store up", {{"store", snapshot_.name}});
}

void StoreState::failed(const Error& error) {
  std::lock_guard lock(mutex_);
  down_.store(true, std::memory_order_relaxed);
  fall(error);
}

void StoreState::write_failed(const Error& error, SteadyTime begun) {
  std::lock_guard lock(mutex_);
  if (unproven_ && begun >= rose_at_) on_trial_ = true;
  (on_trial_ ? closed_ : down_).store(true, std::memory_order_relaxed);
  fall(error);
}

void StoreState::locked_out(const Error& error) {
  std::lock_guard lock(mutex_);
  on_trial_ = true;
  closed_.store(true, std::memory_order_relaxed);
  fall(error);
}

void StoreState::fall(const Error& error) {
  snapshot_.last_error = to_string(error.code);
  if (!error.detail.empty()) snapshot_.last_error += ": " + error.detail;
  last_failure_ = clock_.steady();
  if (snapshot_.status == Status::down) return;
  snapshot_.status = Status::down;
  snapshot_.since = clock_.wall();
  log::warn("store down", {{"store", snapshot_.name}, {"error", snapshot_.last_error}});
}

void StoreState::set_notice(std::string notice, Forbids forbids) {
  std::lock_guard lock(mutex_);
  unreadable_.store(!notice.empty() && forbids == Forbids::reads_too, std::memory_order_relaxed);
  noticed_.store(!notice.empty(), std::memory_order_relaxed);
  if (notice.empty() && !snapshot_.notice.empty())
    log::info("store notice withdrawn", {{"store", snapshot_.name}, {"notice", snapshot_.notice}});
  else if (notice != snapshot_.notice)
    log::warn("store notice", {{"store", snapshot_.name}, {"notice", notice}});
  snapshot_.notice = std::move(notice);
}

bool StoreState::on_trial() const {
  std::lock_guard lock(mutex_);
  return on_trial_;
}

SteadyTime StoreState::last_wrote() const {
  std::lock_guard lock(mutex_);
  return last_wrote_;
}

StoreState::Snapshot StoreState::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

} // namespace panier::runtime
