#include "commit/quarantine.hpp"

#include <algorithm>
#include <utility>

namespace panier::commit {

Quarantine::Blames Quarantine::refused(const cart::UserId& user, runtime::SteadyTime now) {
  const std::lock_guard lock(mutex_);
  empty_ = false;
  if (strikes_.size() >= quarantine_carts_max)
    strikes_.clear(); // bounded; a culprit comes back soon enough
  if (refused_since_.size() < refusing_carts &&
      std::ranges::find(refused_since_, user) == refused_since_.end())
    refused_since_.push_back(user);
  auto& strikes = strikes_[user];
  if (std::exchange(strikes.last_at, committed_) != committed_) ++strikes.count;
  if (refused_since_.size() == refusing_carts) return Blames::ledger;
  if (strikes.count < poison_aborts_max) return Blames::row;
  strikes_.erase(user);
  if (until_.size() >= quarantine_carts_max) {
    until_.erase(
        std::ranges::min_element(until_, {}, [](const auto& entry) { return entry.second; }));
  }
  until_[user] = now + quarantine_time;
  return Blames::cart;
}

void Quarantine::look_whether_empty() {
  empty_ = strikes_.empty() && until_.empty();
  if (empty_) refused_since_.clear();
}

void Quarantine::row_committed() {
  if (empty_) return;
  const std::lock_guard lock(mutex_);
  ++committed_;
  refused_since_.clear();
}

void Quarantine::succeeded(const cart::UserId& user) {
  if (empty_) return;
  const std::lock_guard lock(mutex_);
  strikes_.erase(user);
  look_whether_empty();
}

bool Quarantine::holds(const cart::UserId& user, runtime::SteadyTime now) const {
  if (empty_) return false;
  const std::lock_guard lock(mutex_);
  const auto it = until_.find(user);
  return it != until_.end() && it->second > now;
}

bool Quarantine::release(runtime::SteadyTime now) {
  if (empty_) return false;
  const std::lock_guard lock(mutex_);
  const auto released = std::erase_if(until_, [&](const auto& cart) { return cart.second <= now; });
  look_whether_empty();
  return released > 0;
}

std::size_t Quarantine::carts() const {
  const std::lock_guard lock(mutex_);
  return until_.size();
}

} // namespace panier::commit
