#include "upkeep/purge.hpp"

#include <set>

#include "upkeep/limits.hpp"
#include "upkeep/one_cart.hpp"

namespace panier::upkeep {

Result<void> Purge::run_once() {
  const auto now = stores_.ledger->ping();
  if (!now) return std::unexpected(now.error());
  const auto before = *now - keep_;
  if (const auto done = keys(before); !done) return done;
  const auto rows = stores_.ledger->purgeable(before, purge_carts_max);
  if (!rows) return std::unexpected(rows.error());
  const auto old = stood_long(*rows);
  for (std::size_t begin = 0; begin < old.size(); begin += purge_page_carts) {
    const auto page =
        std::span(old).subspan(begin, std::min<std::size_t>(purge_page_carts, old.size() - begin));
    if (const auto done = tombstones(page); !done) return done;
    if (!go_on_() || (stores_.mirror && !stores_.mirror_state.takes_writes())) break;
  }
  return {};
}

std::vector<commit::Listed> Purge::stood_long(const std::vector<commit::CartRow>& rows) {
  const auto now = stores_.clock.steady();
  const auto stood_for = stores_.reservation_ttl + purge_network_patience;
  std::map<commit::UserId, Seen> seen;
  std::vector<commit::Listed> old;
  for (const auto& row : rows) {
    const auto before = seen_.find(row.user);
    const bool same = before != seen_.end() && before->second.version == row.cart.version;
    const auto first = same ? before->second.first : now;
    seen.emplace(row.user, Seen{row.cart.version, first});
    if (now - first >= stood_for) old.push_back({row.user, row.cart.version});
  }
  seen_ = std::move(seen);
  return old;
}

Result<void> Purge::keys(commit::LedgerTime before) {
  for (int page = 0; page < purge_key_pages_max; ++page) {
    const auto purged = stores_.ledger->purge_keys(before, purge_page_keys);
    if (!purged) return std::unexpected(purged.error());
    if (*purged < purge_page_keys) break;
  }
  return {};
}

Result<void> Purge::tombstones(std::span<const commit::Listed> old) {
  const auto gone = gone_from_mirror(old);
  if (gone.empty()) return {};

  commit::OpenRequest request;
  request.lag_too = true;
  for (const auto& listed : gone)
    request.wanted.push_back({listed.user, std::nullopt});
  std::ranges::sort(request.wanted, {}, &commit::OpenRequest::Wanted::user);
  const auto opened = stores_.ledger->open(request);
  if (!opened) {
    if (opened.error().code == Errc::store_conflict) return {};
    return std::unexpected(opened.error());
  }
  std::set<commit::UserId> listed;
  for (const auto& lane : opened->others) {
    for (const auto* list : {&lane.reserved, &lane.in_flight}) {
      for (const auto& entry : *list)
        listed.insert(entry.user);
    }
  }
  // Another instance's repair is about to write it into the mirror again.
  listed.insert(opened->lagging.begin(), opened->lagging.end());
  std::set<commit::UserId> locked;
  for (const auto& row : opened->carts)
    locked.insert(row.user);
  commit::Writes writes;
  for (const auto& entry : gone) {
    if (locked.contains(entry.user) && !listed.contains(entry.user)) writes.purge.push_back(entry);
  }
  const auto purged = writes.purge;
  auto done = or_next_pass(stores_.ledger->commit(writes));
  // Or it has done so since: a document without a row would lend its id to the user's next cart.
  if (done) (void)gone_from_mirror(purged);
  return done;
}

std::vector<commit::Listed> Purge::gone_from_mirror(std::span<const commit::Listed> tombstones) {
  std::vector<commit::Listed> gone;
  for (const auto& entry : tombstones) {
    if (stores_.mirror && entry.version > 0) {
      const auto asked = stores_.clock.steady();
      const auto purged = stores_.mirror->purge(entry.user, entry.version, stores_.mirror_timeout);
      if (!purged) {
        stores_.mirror_state.write_failed(purged.error(), asked);
        break;
      }
      if (!*purged) continue; // at another version: not ours to purge now
    }
    gone.push_back(entry);
  }
  return gone;
}

} // namespace panier::upkeep
