// The ledger's side of upkeep: each call is a statement or a small transaction of its own, and may
// run twice.
#include "store/mariadb/ledger.hpp"
#include "store/mariadb/rows.hpp"

namespace panier::store::mariadb {
namespace {

constexpr int dead_lanes_max = 100; // a call; the rest goes with the next one

// untouched() has no index to go by (it would be written with every operation), so it walks the
// table, a window at a time, for at most this long a call.
constexpr int untouched_window_carts = 2'000;
constexpr std::chrono::milliseconds untouched_time_max{500};

// What cart::is_identifier() refuses, but for the empty text; the columns allow no more than 64
// characters.
#define PANIER_NO_NAME " REGEXP '[^-A-Za-z0-9_.:@]'"
constexpr std::string_view is_misnamed = "(p.user_id='' OR p.user_id" PANIER_NO_NAME ")";

// " WHERE user_id > after", from the start without it.
void after_user(Sql& sql, std::string_view column, const std::optional<commit::UserId>& after) {
  sql.raw(" WHERE ").raw(column).raw(">");
  if (after)
    sql.user(*after);
  else
    sql.raw("''");
}

} // namespace

// An UPDATE that matches no row locks nothing, and is refused all the same where nothing may be
// written.
Result<commit::LedgerTime> MariadbLedger::ping() {
  rollback();
  Sql sql;
  sql.statement("UPDATE panier_floor SET version=version WHERE id=0");
  sql.statement("SELECT ").raw(clock_column);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  if (auto allowed = session_.done(); !allowed) return std::unexpected(allowed.error());
  Result<commit::LedgerTime> now = fail(Errc::store_corrupt, "the server has no clock");
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    now = ledger_time(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return now;
}

Result<std::vector<commit::LaneRow>> MariadbLedger::lanes() {
  rollback();
  Sql sql;
  sql.statement("SELECT ").raw(lane_columns).raw(" FROM panier_lane");
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  std::vector<commit::LaneRow> lanes;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    auto lane = lane_row(row);
    if (!lane) return std::unexpected(lane.error());
    lanes.push_back(*std::move(lane));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return lanes;
}

Result<int> MariadbLedger::delete_dead_lanes(commit::LedgerTime heartbeat_before) {
  rollback();
  Sql search;
  search.statement("SELECT instance,lane FROM panier_lane WHERE token IS NULL AND heartbeat<");
  search.time(heartbeat_before).raw(" LIMIT ").number(dead_lanes_max);
  if (auto sent = session_.begin(search.text()); !sent) return std::unexpected(sent.error());
  std::vector<commit::LaneKey> dead;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    const auto lane = number(row.text(1));
    if (!lane) return std::unexpected(lane.error());
    dead.push_back({std::string(row.text(0)), static_cast<int>(*lane)});
    return {};
  });
  if (!read) return std::unexpected(read.error());

  int deleted = 0;
  for (const auto& lane : dead) {
    // Asked again under the row's lock: it may have come back to life.
    Sql sql;
    sql.statement("DELETE FROM panier_lane WHERE instance=").quoted(lane.instance);
    sql.raw(" AND lane=").number(lane.lane).raw(" AND token IS NULL AND heartbeat<");
    sql.time(heartbeat_before);
    if (auto sent = session_.begin(sql.text()); !sent) {
      if (sent.error().code == Errc::store_conflict) continue; // locked: so it lives
      return std::unexpected(sent.error());
    }
    const auto done = session_.done();
    if (!done) return std::unexpected(done.error());
    deleted += static_cast<int>(done->affected);
  }
  return deleted;
}

Result<std::vector<commit::Lagging>>
MariadbLedger::lagging(const std::optional<commit::UserId>& after, int limit) {
  rollback();
  Sql sql;
  sql.statement("SELECT ").raw(cart_columns).raw(",l.version,l.user_id FROM panier_mirror_lag l ");
  sql.raw("LEFT JOIN panier p FORCE INDEX (uq_panier_user) ON p.user_id=l.user_id");
  after_user(sql, "l.user_id", after);
  sql.raw(" AND NOT l.user_id" PANIER_NO_NAME);
  sql.raw(" ORDER BY l.user_id LIMIT ").number(limit);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());

  std::vector<commit::Lagging> behind;
  std::vector<commit::Listed> orphans;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    const auto version = number(row.text(cart_columns_count));
    if (!version) return std::unexpected(version.error());
    if (row.null(0)) {
      auto gone = user(row.text(cart_columns_count + 1));
      if (!gone) return std::unexpected(gone.error());
      orphans.push_back({*std::move(gone), *version});
      return {};
    }
    auto cart = cart_row(row);
    if (!cart) return std::unexpected(cart.error());
    behind.push_back({*std::move(cart), *version});
    return {};
  });
  if (!read) return std::unexpected(read.error());
  // A cart made anew meanwhile starts above the purged one, so this cannot take a newer lag row
  // with it.
  if (auto cleared = lag_done(orphans); !cleared) return std::unexpected(cleared.error());
  return behind;
}

Result<std::int64_t> MariadbLedger::lag_count() {
  rollback();
  Result<std::int64_t> count = 0;
  if (auto sent = session_.begin("SELECT COUNT(*) FROM panier_mirror_lag"); !sent)
    return std::unexpected(sent.error());
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    count = number(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return count;
}

Result<void> MariadbLedger::lag_done(std::span<const commit::Listed> done) {
  if (done.empty()) return {};
  Sql sql;
  sql.statement("BEGIN");
  delete_lag(sql, done);
  sql.statement("COMMIT");
  return run_all(sql);
}

Result<void> MariadbLedger::add_lag(std::span<const commit::Listed> behind) {
  if (behind.empty()) return {};
  Sql sql;
  sql.statement("BEGIN");
  for (const auto& one : behind) {
    sql.statement("INSERT INTO panier_mirror_lag (user_id,version) SELECT user_id,GREATEST("
                  "version,");
    sql.number(one.version).raw(") FROM panier FORCE INDEX (uq_panier_user) WHERE user_id=");
    sql.user(one.user).raw(" ON DUPLICATE KEY UPDATE version=GREATEST(panier_mirror_lag.version,");
    sql.raw("VALUES(version))");
  }
  sql.statement("COMMIT");
  return run_all(sql);
}

Result<std::vector<commit::CartRow>> MariadbLedger::purgeable(commit::LedgerTime deleted_before,
                                                              int limit) {
  Sql sql;
  sql.statement("SELECT ").raw(cart_columns).raw(" FROM panier p FORCE INDEX (idx_panier_deleted)");
  sql.raw(" WHERE p.deleted_at<").timestamp(deleted_before);
  sql.raw(" AND NOT EXISTS (SELECT 1 FROM panier_mirror_lag l WHERE l.user_id=p.user_id)");
  sql.raw(" AND NOT ").raw(is_misnamed);
  sql.raw(" ORDER BY p.deleted_at LIMIT ").number(limit);
  return carts(sql);
}

Result<std::vector<commit::CartRow>> MariadbLedger::untouched(commit::LedgerTime updated_before,
                                                              int limit) {
  const auto started_at = untouched_after_;
  const auto deadline = std::chrono::steady_clock::now() + untouched_time_max;
  bool round_again = false; // passed the end and began anew
  while (true) {
    const auto window_end = end_of_window(untouched_after_);
    if (!window_end) return std::unexpected(window_end.error());
    if (*window_end == 0) { // nothing beyond
      if (round_again || started_at == 0) {
        untouched_after_ = 0;
        return std::vector<commit::CartRow>{};
      }
      round_again = true;
      untouched_after_ = 0;
      continue;
    }
    Sql sql;
    sql.statement("SELECT ").raw(cart_columns).raw(" FROM panier p WHERE p.id_maria>");
    sql.number(untouched_after_).raw(" AND p.id_maria<=").number(*window_end);
    sql.raw(" AND p.deleted_at IS NULL AND p.updated_at<").timestamp(updated_before);
    sql.raw(" AND NOT ").raw(is_misnamed);
    sql.raw(" ORDER BY p.id_maria LIMIT ").number(limit);
    auto found = carts(sql);
    if (!found) return found;
    const bool full = std::ssize(*found) == limit;
    untouched_after_ = full ? found->back().id_maria : *window_end;
    const bool seen_all = round_again && untouched_after_ >= started_at;
    if (!found->empty() || seen_all || std::chrono::steady_clock::now() >= deadline) return found;
  }
}

Result<std::int64_t> MariadbLedger::end_of_window(std::int64_t after) {
  rollback();
  Sql sql;
  sql.statement(
      "SELECT COALESCE(MAX(id_maria),0) FROM (SELECT id_maria FROM panier WHERE id_maria>");
  sql.number(after).raw(" ORDER BY id_maria LIMIT ").number(untouched_window_carts).raw(") w");
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  Result<std::int64_t> end = 0;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    end = number(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return end;
}

Result<int> MariadbLedger::purge_keys(commit::LedgerTime written_before, int limit) {
  rollback();
  Sql sql;
  sql.statement("DELETE FROM panier_idempotency WHERE written_at<").time(written_before);
  sql.raw(" ORDER BY written_at LIMIT ").number(limit);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  const auto done = session_.done();
  if (!done) return std::unexpected(done.error());
  return static_cast<int>(done->affected);
}

Result<std::vector<commit::CartRow>> MariadbLedger::scan(const std::optional<commit::UserId>& after,
                                                         int limit) {
  Sql sql;
  sql.statement("SELECT ").raw(cart_columns).raw(" FROM panier p FORCE INDEX (uq_panier_user)");
  after_user(sql, "p.user_id", after);
  sql.raw(" AND NOT ").raw(is_misnamed).raw(" ORDER BY p.user_id LIMIT ").number(limit);
  return carts(sql);
}

Result<std::vector<std::string>> MariadbLedger::misnamed(const std::optional<commit::UserId>& after,
                                                         const std::optional<commit::UserId>& until,
                                                         int limit) {
  rollback();
  Sql sql;
  sql.statement("SELECT p.user_id FROM panier p FORCE INDEX (uq_panier_user) WHERE ");
  sql.raw(is_misnamed);
  if (after) sql.raw(" AND p.user_id>").user(*after);
  if (until) sql.raw(" AND p.user_id<=").user(*until);
  sql.raw(" ORDER BY p.user_id LIMIT ").number(limit);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  std::vector<std::string> found;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    found.emplace_back(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return found;
}

} // namespace panier::store::mariadb
