// MemoryLedgerStore: what a transaction locks, reads and changes.
#include <algorithm>

#include "support/memory_ledger.hpp"

namespace panier::test {

using commit::CartRow;
using commit::LaneKey;
using commit::Listed;
using commit::Opened;
using commit::OpenRequest;
using commit::UserId;
using commit::Writes;

// ---- open: mark, lock, look

Result<Opened> MemoryLedgerStore::begin(const OpenRequest& request, Transaction& mine) {
  Opened opened;
  std::unique_lock held(mutex_);
  const auto let_others_in = [&](LedgerCall call) {
    held.unlock();
    faults.pause(call);
    held.lock();
    return !mine.ended;
  };
  opened.now = now();
  if (request.lane) {
    if (auto marked = mark(mine, *request.lane, opened); !marked)
      return std::unexpected(marked.error());
  }
  bool open = let_others_in(LedgerCall::lock);
  for (auto wanted = request.wanted.begin(); open && wanted != request.wanted.end(); ++wanted)
    lock(mine, *wanted, opened);
  open = open && let_others_in(LedgerCall::look);
  if (!open) return fail(Errc::store_unreachable, "the server ended the transaction");
  look(request, opened);
  return opened;
}

Result<void> MemoryLedgerStore::mark(Transaction& mine, const LaneKey& lane, Opened& opened) {
  if (!locked_lanes_.insert(lane).second)
    return fail(Errc::store_conflict, "the lane's row is locked");
  mine.lane = lane;
  const auto it = state_.lanes.find(lane);
  mine.lane_is_new = it == state_.lanes.end();
  if (!mine.lane_is_new) opened.own = it->second;
  return {};
}

void MemoryLedgerStore::lock(Transaction& mine, const OpenRequest::Wanted& wanted, Opened& opened) {
  const auto it = state_.carts.find(wanted.user);
  const bool known = it != state_.carts.end();
  if (!known && !wanted.fresh_id) return;
  // Also of a user that another transaction is just making: its index entry is locked.
  if (!locked_carts_.insert(wanted.user).second) {
    opened.skipped.push_back(wanted.user);
    return;
  }
  mine.carts.insert(wanted.user);
  if (known) {
    opened.carts.push_back(it->second);
    return;
  }
  CartRow row{.user = wanted.user};
  row.cart.id = *wanted.fresh_id;
  row.id_maria = ++last_id_maria_;
  row.created_at = row.updated_at = opened.now;
  opened.carts.push_back(row);
  mine.made.emplace(wanted.user, std::move(row));
}

void MemoryLedgerStore::look(const OpenRequest& request, Opened& opened) const {
  for (const auto& [key, row] : state_.lanes) {
    if (row.token && key != request.lane) opened.others.push_back(row);
  }
  opened.floor = state_.floor;
  for (const auto& wanted : request.wanted)
    if (request.lag_too && state_.lag.contains(wanted.user)) opened.lagging.push_back(wanted.user);
  for (const auto& ref : request.keys) {
    const auto it = state_.keys.find(ref);
    if (it != state_.keys.end()) opened.keys.push_back(it->second.stored);
  }
}

// ---- commit

Result<void> MemoryLedgerStore::check(const Transaction& mine, const Writes& writes) const {
  const auto locked = [&](const UserId& user) { return mine.carts.contains(user); };
  if (!std::ranges::all_of(writes.carts, locked, &CartRow::user) ||
      !std::ranges::all_of(writes.purge, locked, &Listed::user))
    return fail(Errc::store_rejected, "a cart was not locked by this transaction");
  if (writes.row.has_value() != mine.lane.has_value() ||
      (writes.row && writes.row->key != *mine.lane))
    return fail(Errc::store_rejected, "the lane's row was not marked by this transaction");
  if (refused_ && std::ranges::any_of(writes.carts, refused_))
    return fail(Errc::store_rejected, "a row is refused");
  return {};
}

void MemoryLedgerStore::apply(const Transaction& mine, const Writes& writes) {
  for (const auto& [user, row] : mine.made)
    state_.carts.emplace(user, row);
  for (const auto& row : writes.carts)
    apply_cart(row);
  for (const auto& [user, version] : writes.lag) {
    auto& lag = state_.lag[user];
    lag = std::max(lag, version);
  }
  for (const auto& [user, version] : writes.lag_done) {
    const auto it = state_.lag.find(user);
    if (it != state_.lag.end() && it->second <= version) state_.lag.erase(it);
  }
  for (const auto& key : writes.keys)
    state_.keys.try_emplace(key.ref, Key{key, now()});
  for (const auto& [user, version] : writes.purge) {
    const auto it = state_.carts.find(user);
    if (it == state_.carts.end() || it->second.cart.exists || it->second.cart.version != version)
      continue;
    if (observer_) observer_(user, &it->second, nullptr);
    state_.carts.erase(it);
    state_.lag.erase(user);
    state_.floor = std::max(state_.floor, version);
  }
  if (writes.row) state_.lanes[writes.row->key] = *writes.row;
}

void MemoryLedgerStore::apply_cart(const CartRow& row) {
  auto& stored = state_.carts.at(row.user);
  const bool revived = row.cart.exists && !stored.cart.exists;
  CartRow next = row;
  next.cart.id = stored.cart.id;
  next.id_maria = stored.id_maria;
  if (row.unreadable) next.unreadable = stored.unreadable; // as the lines stand by now
  if (!revived) next.created_at = stored.created_at;
  if (observer_) observer_(row.user, &stored, &next);
  stored = std::move(next);
}

void MemoryLedgerStore::release(const Transaction& mine) {
  if (mine.lane) locked_lanes_.erase(*mine.lane);
  for (const auto& user : mine.carts)
    locked_carts_.erase(user);
}

} // namespace panier::test
