#include "commit/quarantine.hpp"

#include <algorithm>

namespace panier::commit {

bool Quarantine::refused(const cart::UserId& user, runtime::SteadyTime now) {
  if (strikes_.size() >= quarantine_carts_max)
    strikes_.clear(); // bounded; a culprit comes back soon enough
  if (++strikes_[user] < poison_aborts_max) return false;
  strikes_.erase(user);
  if (until_.size() >= quarantine_carts_max) {
    until_.erase(
        std::ranges::min_element(until_, {}, [](const auto& entry) { return entry.second; }));
  }
  until_[user] = now + quarantine_time;
  return true;
}

bool Quarantine::holds(const cart::UserId& user, runtime::SteadyTime now) {
  if (until_.empty()) return false;
  const auto it = until_.find(user);
  if (it == until_.end()) return false;
  if (it->second > now) return true;
  until_.erase(it);
  return false;
}

} // namespace panier::commit
