#include "upkeep/abandoned_lists.hpp"

#include "commit/limits.hpp"
#include "runtime/log.hpp"

namespace panier::upkeep {

namespace {

// The ledger answers, it is this list that it cannot abort: the others need not wait for it.
bool only_this_list(const Error& error) {
  return error.code == Errc::store_rejected || error.code == Errc::store_corrupt;
}

} // namespace

Result<void> AbandonedLists::run_once() {
  const auto now = stores_.ledger->ping();
  if (!now) return std::unexpected(now.error());
  const auto rows = stores_.ledger->lanes();
  if (!rows) return std::unexpected(rows.error());
  const auto steady = stores_.clock.steady();
  std::map<commit::LaneKey, Seen> seen;
  Result<void> outcome;
  for (const auto& row : *rows) {
    if (!row.token) continue;
    const auto before = seen_.find(row.key);
    const bool same = before != seen_.end() && before->second.token == *row.token;
    const auto first = same ? before->second.first : steady;
    seen.emplace(row.key, Seen{*row.token, first});
    const bool expired = row.expires_at <= *now;
    const bool unseen = steady - first >= stores_.reservation_ttl;
    if (!expired && !unseen) continue;
    auto done = abort(row, expired ? commit::AbortGround::expired : commit::AbortGround::unseen);
    if (done) continue;
    if (!only_this_list(done.error())) return done;
    outcome = std::move(done);
  }
  seen_ = std::move(seen);
  return outcome;
}

Result<void> AbandonedLists::abort_all() {
  const auto rows = stores_.ledger->lanes();
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    if (!row.token) continue;
    if (const auto done = abort(row, commit::AbortGround::unseen); !done) return done;
  }
  return {};
}

Result<void> AbandonedLists::abort(const commit::LaneRow& row, commit::AbortGround ground) {
  const auto result = commit::abort_lists(*stores_.ledger, row, ground, stores_.ids->token());
  if (!result) {
    // A conflict, or nobody answered COMMIT: the next look finds the row as it is then.
    const auto code = result.error().code;
    if (code == Errc::store_conflict || code == Errc::commit_unknown) return {};
    return std::unexpected(result.error());
  }
  if (result->what != commit::AbortResult::What::aborted) return {};
  stores_.metrics.aborted("abandoned", result->carts);
  runtime::log::warn("aborted the list of a lane that no longer settles it",
                     {{"instance", row.key.instance},
                      {"lane", row.key.lane},
                      {"carts", result->carts},
                      {"in_flight", row.in_flight.size()}});
  return {};
}

Result<void> AbandonedLists::delete_dead_rows() {
  const auto now = stores_.ledger->ping();
  if (!now) return std::unexpected(now.error());
  const auto deleted = stores_.ledger->delete_dead_lanes(*now - commit::dead_lane_after);
  if (!deleted) return std::unexpected(deleted.error());
  if (*deleted > 0) runtime::log::info("deleted lane rows of dead instances", {{"rows", *deleted}});
  return {};
}

} // namespace panier::upkeep
