#include "commit/protocol.hpp"

#include <map>
#include <unordered_map>

#include "commit/abort.hpp"

namespace panier::commit {
namespace {

// What a row costs in a statement and in a bulk, roughly: the limits have room to spare.
std::size_t bytes_of(const CartRow& row) {
  std::size_t bytes = 200;
  for (const auto& line : row.cart.lines)
    bytes += line.key.article_id().size() + 48;
  return bytes;
}

CartRow* find_row(std::vector<CartRow>& rows, const UserId& user) {
  const auto at = std::ranges::lower_bound(rows, user, {}, &CartRow::user);
  return at != rows.end() && at->user == user ? &*at : nullptr;
}

// Does the mirror hold the cart as it is visible? Asked for what changes nothing.
bool mirror_holds(const UserId& user, const Opened& opened, const Writes& settled) {
  const auto lists = [&](const std::vector<Listed>& list) {
    return std::ranges::find(list, user, &Listed::user) != list.end();
  };
  const bool lags = std::ranges::find(opened.lagging, user) != opened.lagging.end();
  return !lags && !lists(settled.lag) &&
         std::ranges::none_of(opened.others, lists, &LaneRow::in_flight);
}

} // namespace

// The operations of one batch on one cart, applied in order of arrival.
struct Protocol::Fold {
  const UserId& user;
  CartRow* row; // the opened row after settling; nullptr: the ledger does not know this user
  std::vector<PendingWritePtr> writes;
  bool elsewhere = false; // locked by somebody else, or in another lane's `reserved`
};

// What they have come to.
struct Protocol::Folded {
  CartRow next;
  bool changed = false;
  std::vector<Reply> replies{};
  std::vector<StoredKey> keys{};
};

// Written before, settled in this very transaction, or earlier in this fold.
const StoredKey* Protocol::known_key(const KeyRef& ref, const Opened& opened, const Round& round,
                                     const Folded& folded) {
  for (const auto* list : {&opened.keys, &round.writes.keys, &folded.keys}) {
    const auto it = std::ranges::find(*list, ref, &StoredKey::ref);
    if (it != list->end()) return &*it;
  }
  return nullptr;
}

OpenRequest Protocol::open_request(std::span<const PendingWritePtr> writes) {
  struct Want {
    bool tombstone = false;
    std::optional<CartId> id;
  };
  std::map<UserId, Want> wanted;
  OpenRequest request;
  request.lane = lane_;
  for (const auto& entry : entries_)
    if (!entry.only_struck_off()) wanted[entry.next.user] = {true, entry.next.cart.id};
  for (const auto& write : writes) {
    auto& want = wanted[write->user()];
    // A key must be read and written under a lock, so its user needs a row, even where the
    // operation makes no cart.
    if (cart::creates(write->request().operation) || write->request().idempotency)
      want.tombstone = true;
    if (write->request().idempotency)
      request.keys.push_back({write->user(), write->request().idempotency->key});
  }
  for (auto& [user, want] : wanted) {
    if (want.tombstone && !want.id) want.id = ids_.cart_id();
    request.wanted.push_back({user, want.id});
  }
  std::ranges::sort(request.keys);
  const auto repeated = std::ranges::unique(request.keys);
  request.keys.erase(repeated.begin(), repeated.end());
  return request;
}

bool Protocol::is_strangers(const Opened& opened) const {
  return opened.own && opened.own->token && opened.own->token != token_;
}

Round Protocol::decide(Opened opened, std::span<const PendingWritePtr> writes, Policy policy) {
  Round round;
  round.number = ++number_;
  Rows rows = std::move(opened.carts);
  settle(opened, round, rows);
  if (isolate_ > 0 && round.alone) {
    round.deferred.assign(writes.begin(), writes.end());
  } else {
    reserve(opened, writes, policy, round, rows);
  }
  close(opened, round);
  return round;
}

// ---- settle

void Protocol::settle(const Opened& opened, Round& round, Rows& rows) {
  round.fates.resize(entries_.size());
  const bool ours = opened.own && opened.own->token && opened.own->token == token_;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto& entry = entries_[i];
    if (!ours) { // the list was found empty: others have aborted it, so it will never be visible
      round.fates[i] = {
          entry.policy == Policy::strict ? Fate::Kind::aborted : Fate::Kind::done,
          Error{Errc::ledger_unavailable, {}, "the reservation expired and was aborted"}};
      round.notices.push_back(
          {Notice::Kind::list_lost, entry.next.user, "aborted by another lane"});
      continue;
    }
    if (entry.only_struck_off()) {
      round.fates[i].kind = Fate::Kind::done;
      continue;
    }
    if (entry.stuck_until > opened.now) continue;
    // Locked by somebody, perhaps over a half-open connection: it stays listed with its verdict,
    // the others go on.
    CartRow* const row = find_row(rows, entry.next.user);
    if (row == nullptr) continue;
    if (isolate_ > 0 && entry.policy == Policy::strict) {
      if (round.alone) continue;
      round.alone = entry.next.user;
    }
    settle_one(i, opened, round, *row);
  }
}

void Protocol::settle_one(std::size_t index, const Opened& opened, Round& round, CartRow& row) {
  Entry& entry = entries_[index];
  if (entry.policy == Policy::available) {
    round.writes.lag.push_back(entry.listed());
    round.fates[index].kind = Fate::Kind::done;
    return;
  }
  if (entry.poisoned) {
    return abort_one(index, opened, round, row,
                     {Errc::internal, {}, "the ledger refuses this cart's row: " + entry.why});
  }
  if (entry.verdict != Entry::Verdict::held) {
    if (entry.mirror_version > 0) {
      round.notices.push_back({Notice::Kind::mirror_ahead, entry.next.user,
                               "mirror holds version " + std::to_string(entry.mirror_version)});
    }
    return abort_one(index, opened, round, row, {Errc::mirror_unavailable, {}, entry.why});
  }
  if (row.cart.version != entry.base) {
    round.notices.push_back({Notice::Kind::base_changed, entry.next.user,
                             "reserved on version " + std::to_string(entry.base) + ", visible is " +
                                 std::to_string(row.cart.version)});
    return abort_one(index, opened, round, row,
                     {Errc::internal, {}, "the cart changed under its reservation"});
  }
  const bool revived = entry.next.cart.exists && !row.cart.exists;
  const auto created_at = row.created_at;
  row = entry.next;
  row.created_at = revived ? entry.next.created_at : created_at;
  round.writes.carts.push_back(row);
  round.writes.keys.insert(round.writes.keys.end(), entry.keys.begin(), entry.keys.end());
  round.fates[index].kind = Fate::Kind::visible;
}

void Protocol::abort_one(std::size_t index, const Opened& opened, Round& round, CartRow& row,
                         Error error) {
  const Entry& entry = entries_[index];
  // What only a hand can have written there is not followed: nothing would be above it.
  const auto above = entry.mirror_version < version_limit ? entry.mirror_version : 0;
  raise_version(row, opened, std::max(entry.next.cart.version, above), ids_.token());
  round.writes.carts.push_back(row);
  round.writes.lag.push_back({row.user, row.cart.version});
  round.notices.push_back({Notice::Kind::aborted, row.user, error.detail});
  round.fates[index] = {Fate::Kind::aborted, std::move(error)};
}

// ---- reserve

void Protocol::reserve(const Opened& opened, std::span<const PendingWritePtr> writes, Policy policy,
                       Round& round, Rows& rows) {
  std::vector<Fold> folds;
  std::unordered_map<UserId, std::size_t> place;
  for (const auto& write : writes) {
    const auto [it, fresh] = place.try_emplace(write->user(), folds.size());
    if (fresh) folds.push_back({write->user(), find_row(rows, write->user()), {}});
    folds[it->second].writes.push_back(write);
  }
  const auto is_elsewhere = [&](const UserId& user) {
    if (const auto it = place.find(user); it != place.end()) folds[it->second].elsewhere = true;
  };
  std::ranges::for_each(opened.skipped, is_elsewhere);
  for (const auto& lane : opened.others)
    std::ranges::for_each(lane.reserved, is_elsewhere, &Listed::user);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (round.fates[i].kind != Fate::Kind::kept) continue;
    ++kept;
    is_elsewhere(entries_[i].next.user);
  }
  std::size_t bytes = 0;
  for (auto& fold : folds) {
    auto& later = fold.elsewhere ? round.parked : round.deferred;
    const bool full = bytes >= batch_bytes_max || kept + round.reserved.size() >= batch_carts_max ||
                      (isolate_ > 0 && round.alone);
    if (fold.elsewhere || full) {
      later.insert(later.end(), fold.writes.begin(), fold.writes.end());
      continue;
    }
    const std::size_t before = round.reserved.size();
    apply_fold(fold, opened, policy, round);
    if (round.reserved.size() > before) {
      bytes += bytes_of(round.reserved.back().next);
      if (isolate_ > 0) round.alone = fold.user;
    }
  }
}

void Protocol::apply_fold(Fold& fold, const Opened& opened, Policy policy, Round& round) {
  Folded folded{.next = fold.row ? std::move(*fold.row) : CartRow{.user = fold.user}};
  auto& next = folded.next;
  if (next.unreadable) {
    const Error error{
        Errc::internal, {}, "the stored cart of " + fold.user.text() + " cannot be read"};
    for (const auto& write : fold.writes)
      round.replies.push_back({write, std::unexpected(error)});
    return;
  }
  const bool existed = next.cart.exists;
  const Version base = next.cart.version;
  for (const auto& write : fold.writes)
    apply_write(write, opened, policy, round, folded);

  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  if (!folded.changed) { // nothing to settle: told, and the keys written, with this transaction
    append(round.replies, folded.replies);
    append(round.writes.keys, folded.keys);
    return;
  }
  next.updated_at = opened.now;
  if (!existed) next.created_at = opened.now;
  Entry entry{.policy = policy, .next = std::move(next), .base = base};
  if (policy == Policy::available || !settings_.mirrored) { // visible at once
    append(round.replies, folded.replies);
    append(round.writes.keys, folded.keys);
  } else {
    entry.replies = std::move(folded.replies);
    entry.keys = std::move(folded.keys);
  }
  round.reserved.push_back(std::move(entry));
}

void Protocol::apply_write(const PendingWritePtr& write, const Opened& opened, Policy policy,
                           const Round& round, Folded& folded) const {
  const auto& user = write->user();
  const auto& idempotency = write->request().idempotency;
  if (idempotency) {
    if (const auto* stored = known_key({user, idempotency->key}, opened, round, folded)) {
      const auto first = decode(stored->answer);
      Result<Receipt> answer = fail(Errc::internal, "a stored answer cannot be read");
      if (stored->fingerprint != idempotency->fingerprint)
        answer = fail(Errc::idempotency_key_reused);
      else if (first)
        answer = *first;
      folded.replies.push_back({write, std::move(answer)});
      return;
    }
  }
  auto& cart = folded.next.cart;
  const Version version = next_version(opened, cart.version, 0);
  const auto outcome =
      version > cart.version
          ? cart::apply(cart, write->request().operation, version, settings_.limits)
          : fail(Errc::internal, "there is no greater version than that of " + user.text());
  if (!outcome) {
    folded.replies.push_back({write, std::unexpected(outcome.error())});
    return;
  }
  folded.changed = folded.changed || outcome->changed;
  // What changes nothing is told at once, unless it follows a change that is not.
  const bool mirrored =
      folded.changed ? policy == Policy::strict : mirror_holds(user, opened, round.writes);
  const Receipt receipt{*outcome, settings_.mirrored && mirrored};
  if (idempotency)
    folded.keys.push_back({{user, idempotency->key}, idempotency->fingerprint, encode(receipt)});
  folded.replies.push_back({write, receipt});
}

// ---- close

void Protocol::close(const Opened& opened, Round& round) const {
  LaneRow row{.key = lane_, .last_batch = round.number, .heartbeat = opened.now};
  row.expires_at = opened.now + settings_.reservation_ttl;
  const auto list = [&row](const Entry& entry) {
    (entry.policy == Policy::strict ? row.reserved : row.in_flight).push_back(entry.listed());
  };
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (round.fates[i].kind == Fate::Kind::kept) list(entries_[i]);
  }
  const Token token = ids_.token();
  for (auto& entry : round.reserved) {
    entry.next.token = token;
    const bool visible = entry.policy == Policy::available || !settings_.mirrored;
    if (visible) {
      std::erase_if(round.writes.carts,
                    [&](const CartRow& cart) { return cart.user == entry.next.user; });
      round.writes.carts.push_back(entry.next);
    }
    if (settings_.mirrored) list(entry);
  }
  if (!row.reserved.empty() || !row.in_flight.empty()) row.token = token;
  round.writes.row = std::move(row);
}

std::vector<Reply> Protocol::committed(Round round) {
  std::vector<Reply> due = std::move(round.replies);
  std::vector<Entry> rest;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& entry = entries_[i];
    auto& fate = round.fates[i];
    if (fate.kind == Fate::Kind::kept) {
      rest.push_back(std::move(entry));
      continue;
    }
    for (auto& reply : entry.replies) {
      if (fate.kind == Fate::Kind::aborted) reply.result = std::unexpected(fate.error);
      due.push_back(std::move(reply));
    }
  }
  if (settings_.mirrored) {
    for (auto& entry : round.reserved)
      rest.push_back(std::move(entry));
  }
  entries_ = std::move(rest);
  token_ = round.writes.row->token;
  if (isolate_ > 0) --isolate_;
  return due;
}

Protocol::Rejection Protocol::rejected(Round round, const Error& error) {
  Rejection rejection;
  if (!round.alone) {
    isolate_ = entries_.size() + round.reserved.size();
    return rejection;
  }
  rejection.culprit = round.alone;
  for (auto& entry : entries_) {
    if (entry.policy != Policy::strict || entry.next.user != *round.alone) continue;
    if (entry.poisoned) { // what was refused now is its abort
      entry.stuck_until = round.writes.row->heartbeat + heartbeat_every;
      for (auto& reply : entry.replies)
        rejection.replies.push_back({std::move(reply.write), fail(Errc::internal, error.detail)});
      entry.replies.clear();
      if (isolate_ > 0) --isolate_;
    }
    entry.poisoned = true;
    entry.why = error.detail;
    return rejection;
  }
  const auto refuse = [&](const std::vector<Reply>& replies) {
    for (const auto& reply : replies) {
      if (reply.write->user() == *round.alone) {
        rejection.replies.push_back({reply.write, fail(Errc::internal, error.detail)});
      }
    }
  };
  refuse(round.replies);
  for (const auto& entry : round.reserved)
    refuse(entry.replies);
  if (isolate_ > 0) --isolate_;
  return rejection;
}

std::vector<Reply> Protocol::forget() {
  std::vector<Reply> due;
  for (auto& entry : entries_) {
    for (auto& reply : entry.replies)
      due.push_back({std::move(reply.write), fail(Errc::outcome_unknown)});
  }
  entries_.clear();
  token_.reset();
  return due;
}

} // namespace panier::commit
