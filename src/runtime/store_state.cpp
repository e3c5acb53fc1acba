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
  rise();
}

void StoreState::answered(std::chrono::microseconds latency) {
  std::lock_guard lock(mutex_);
  snapshot_.latency = latency;
  if (!probed_) rise();
}

void StoreState::rise() {
  if (snapshot_.status == Status::up) return;
  snapshot_.status = Status::up;
  snapshot_.since = clock_.wall();
  down_.store(false, std::memory_order_relaxed);
  log::info("store up", {{"store", snapshot_.name}});
}

void StoreState::failed(const Error& error) {
  std::lock_guard lock(mutex_);
  snapshot_.last_error = to_string(error.code);
  if (!error.detail.empty()) snapshot_.last_error += ": " + error.detail;
  if (snapshot_.status == Status::down) return;
  snapshot_.status = Status::down;
  snapshot_.since = clock_.wall();
  down_.store(true, std::memory_order_relaxed);
  log::warn("store down", {{"store", snapshot_.name}, {"error", snapshot_.last_error}});
}

void StoreState::set_notice(std::string notice, Forbids forbids) {
  std::lock_guard lock(mutex_);
  unreadable_.store(!notice.empty() && forbids == Forbids::reads_too, std::memory_order_relaxed);
  noticed_.store(!notice.empty(), std::memory_order_relaxed);
  if (notice != snapshot_.notice)
    log::warn("store notice", {{"store", snapshot_.name}, {"notice", notice}});
  snapshot_.notice = std::move(notice);
}

StoreState::Snapshot StoreState::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

} // namespace panier::runtime
