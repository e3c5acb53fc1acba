#include "commit/abort.hpp"

#include <limits>
#include <set>

namespace panier::commit {
namespace {

OpenRequest lock_request(const LaneRow& seen) {
  std::set<UserId> users;
  for (const auto& listed : seen.reserved)
    users.insert(listed.user);
  for (const auto& listed : seen.in_flight)
    users.insert(listed.user);
  OpenRequest request;
  request.lane = seen.key;
  for (const auto& user : users)
    request.wanted.push_back({user, std::nullopt});
  return request;
}

bool still_to_abort(const LaneRow& seen, const Opened& opened, AbortGround ground) {
  if (!opened.own || opened.own->token != seen.token) return false;
  return ground == AbortGround::unseen || opened.own->expires_at <= opened.now;
}

Writes abort_writes(const Opened& opened, const Token& abort_token) {
  Writes writes;
  std::map<UserId, Version> listed;
  for (const auto& entry : opened.own->reserved) {
    auto& version = listed[entry.user];
    version = std::max(version, entry.version);
  }
  for (CartRow row : opened.carts) {
    const auto it = listed.find(row.user);
    if (it == listed.end()) continue;
    raise_version(row, opened, it->second, abort_token);
    writes.lag.push_back({row.user, row.cart.version});
    writes.carts.push_back(std::move(row));
  }
  for (const auto& entry : opened.own->in_flight)
    writes.lag.push_back(entry);
  writes.row = LaneRow{.key = opened.own->key,
                       .last_batch = opened.own->last_batch,
                       .heartbeat = opened.own->heartbeat};
  return writes;
}

} // namespace

Version next_version(const Opened& opened, Version visible, Version above) {
  const Version clock = opened.now.time_since_epoch().count();
  // Above the greatest, which only a hand can have made, there is nothing.
  const auto after = [](Version version) {
    return version < std::numeric_limits<Version>::max() ? version + 1 : version;
  };
  return std::max({clock, after(visible), after(above), after(opened.floor)});
}

void raise_version(CartRow& row, const Opened& opened, Version above, const Token& token) {
  row.cart.version = next_version(opened, row.cart.version, above);
  row.token = token;
}

Result<AbortResult> abort_lists(Ledger& ledger, const LaneRow& seen, AbortGround ground,
                                const Token& abort_token) {
  if (!seen.token) return AbortResult{};
  const auto opened = ledger.open(lock_request(seen));
  if (!opened) return std::unexpected(opened.error());
  if (!still_to_abort(seen, *opened, ground)) {
    ledger.rollback();
    return AbortResult{};
  }
  if (!opened->skipped.empty()) { // all of the list or nothing of it
    ledger.rollback();
    return AbortResult{.what = AbortResult::What::busy};
  }
  const Writes writes = abort_writes(*opened, abort_token);
  if (const auto done = ledger.commit(writes); !done) return std::unexpected(done.error());
  return AbortResult{.what = AbortResult::What::aborted, .carts = writes.carts.size()};
}

} // namespace panier::commit
