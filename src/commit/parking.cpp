#include "commit/parking.hpp"

#include "commit/limits.hpp"

namespace panier::commit {
namespace {

bool is_answered(const PendingWritePtr& write) {
  return write->answered();
}

} // namespace

std::vector<PendingWritePtr> Parking::take_due(runtime::SteadyTime now, std::size_t max) {
  std::vector<Cart*> carts;
  for (auto& [user, cart] : carts_)
    if (cart.retry_at <= now && !cart.writes.empty()) carts.push_back(&cart);
  // Who had no room last time has waited longest now.
  std::ranges::sort(carts, {}, &Cart::retry_at);
  std::vector<PendingWritePtr> due;
  for (auto* cart : carts) {
    if (due.size() + cart->writes.size() > max) continue;
    for (auto& write : cart->writes) {
      if (write->take(now)) due.push_back(std::move(write));
    }
    cart->writes.clear();
  }
  return due;
}

bool Parking::join(const PendingWritePtr& write) {
  const auto it = carts_.find(write->user());
  if (it == carts_.end()) return false;
  auto& waiting = it->second.writes;
  if (waiting.size() >= parked_writes_max) std::erase_if(waiting, is_answered);
  if (waiting.size() >= parked_writes_max) {
    write->answer(fail(Errc::cart_busy, "too many writes wait for this cart"));
    return true;
  }
  write->park();
  waiting.push_back(write);
  return true;
}

void Parking::park(std::vector<PendingWritePtr> writes, runtime::SteadyTime now) {
  for (auto& write : writes) {
    const auto [it, fresh] =
        carts_.try_emplace(write->user(), Cart{{}, now + retry_first_, retry_first_});
    auto& cart = it->second;
    if (!fresh && cart.writes.empty()) {
      cart.delay = std::min(cart.delay * 2, park_retry_max);
      cart.retry_at = now + cart.delay;
    }
    write->park();
    cart.writes.push_back(std::move(write));
  }
}

void Parking::settle_delays() {
  std::erase_if(carts_, [](const auto& cart) { return cart.second.writes.empty(); });
}

std::vector<UserId> Parking::carts() const {
  std::vector<UserId> all;
  all.reserve(carts_.size());
  for (const auto& [user, cart] : carts_)
    all.push_back(user);
  return all;
}

std::optional<runtime::SteadyTime> Parking::next_due() const {
  std::optional<runtime::SteadyTime> next;
  for (const auto& [user, cart] : carts_) {
    if (!cart.writes.empty() && (!next || cart.retry_at < *next)) next = cart.retry_at;
  }
  return next;
}

} // namespace panier::commit
