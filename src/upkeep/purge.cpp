#include "upkeep/purge.hpp"

#include <set>

#include "upkeep/limits.hpp"

namespace panier::upkeep {

Result<void> Purge::run_once() {
  const auto now = stores_.ledger->ping();
  if (!now) return std::unexpected(now.error());
  const auto before = *now - keep_;
  if (const auto done = keys(before); !done) return done;
  for (int page = 0; page < purge_pages_max; ++page) {
    const auto purged = tombstones(before);
    if (!purged) return std::unexpected(purged.error());
    if (*purged < static_cast<std::size_t>(purge_page_carts)) break;
  }
  return {};
}

Result<void> Purge::keys(commit::LedgerTime before) {
  for (int page = 0; page < purge_key_pages_max; ++page) {
    const auto purged = stores_.ledger->purge_keys(before, purge_page_keys);
    if (!purged) return std::unexpected(purged.error());
    if (*purged < purge_page_keys) break;
  }
  return {};
}

Result<std::size_t> Purge::tombstones(commit::LedgerTime before) {
  const auto rows = stores_.ledger->purgeable(before, purge_page_carts);
  if (!rows) return std::unexpected(rows.error());
  const auto gone = gone_from_mirror(*rows);
  if (gone.empty()) return 0;

  commit::OpenRequest request;
  for (const auto& listed : gone)
    request.wanted.push_back({listed.user, std::nullopt});
  std::ranges::sort(request.wanted, {}, &commit::OpenRequest::Wanted::user);
  const auto opened = stores_.ledger->open(request);
  if (!opened) {
    if (opened.error().code == Errc::store_conflict) return 0;
    return std::unexpected(opened.error());
  }
  std::set<commit::UserId> listed;
  for (const auto& lane : opened->others) {
    for (const auto* list : {&lane.reserved, &lane.in_flight}) {
      for (const auto& entry : *list)
        listed.insert(entry.user);
    }
  }
  std::set<commit::UserId> locked;
  for (const auto& row : opened->carts)
    locked.insert(row.user);
  commit::Writes writes;
  for (const auto& entry : gone) {
    if (locked.contains(entry.user) && !listed.contains(entry.user)) writes.purge.push_back(entry);
  }
  const std::size_t purged = writes.purge.size();
  const auto done = stores_.ledger->commit(writes);
  if (done || done.error().code == Errc::store_conflict ||
      done.error().code == Errc::commit_unknown)
    return purged;
  return std::unexpected(done.error());
}

std::vector<commit::Listed> Purge::gone_from_mirror(const std::vector<commit::CartRow>& rows) {
  std::vector<commit::Listed> gone;
  for (const auto& row : rows) {
    const commit::Listed entry{row.user, row.cart.version};
    if (stores_.mirror && row.cart.version > 0) {
      const auto purged = stores_.mirror->purge(row.user, row.cart.version, stores_.mirror_timeout);
      if (!purged) {
        stores_.mirror_state.failed(purged.error());
        break;
      }
      if (!*purged) continue; // at another version: not ours to purge now
    }
    gone.push_back(entry);
  }
  return gone;
}

} // namespace panier::upkeep
