// SqliteLedger: the calls of upkeep.
#include <utility>

#include "store/sqlite/ledger.hpp"
#include "store/sqlite/rows.hpp"

namespace panier::store::sqlite {

using commit::CartRow;
using commit::Lagging;
using commit::LaneRow;
using commit::LedgerTime;
using commit::Listed;
using commit::UserId;

namespace {

// Byte order starts below every user_id.
std::string_view text_or_start(const std::optional<UserId>& after) {
  return after ? std::string_view(after->text()) : std::string_view("");
}

// What cart::is_identifier() takes.
#define PANIER_NAMED(column)                                                                       \
  "(" column " <> '' AND length(" column ") <= 64 AND " column " NOT GLOB '*[^-A-Za-z0-9_.:@]*')"

struct LagPage {
  std::vector<Lagging> entries;
  std::vector<std::string> orphans; // lag rows of no cart
};

Result<LagPage> lag_page(const Result<SharedConnection::Turn>& connection,
                         const std::optional<UserId>& after, int limit) {
  if (!connection) return std::unexpected(connection.error());
  // LEFT JOIN: a cart that is gone gives a row of nulls, with the name and version of the lag row
  // behind it.
  Connection& reader = **connection;
  auto rows = reader.query(
      "SELECT p.user_id, p.id, p.id_maria, p.articles, p.version, p.token, p.created_at,"
      " p.updated_at, p.deleted_at, l.user_id, l.version"
      " FROM panier_mirror_lag l LEFT JOIN panier p ON p.user_id = l.user_id"
      " WHERE l.user_id > ? AND " PANIER_NAMED("l.user_id") " ORDER BY l.user_id LIMIT ?",
      text_or_start(after), limit);
  LagPage page;
  for (;;) {
    auto more = rows.step();
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) return page;
    if (rows.null(0)) {
      page.orphans.emplace_back(rows.text(9));
      continue;
    }
    auto row = cart_row(rows);
    if (!row) return std::unexpected(std::move(row.error()));
    page.entries.push_back({std::move(*row), rows.integer(10)});
  }
}

Result<std::vector<CartRow>> carts(const Result<SharedConnection::Turn>& connection,
                                   const char* sql, auto... values) {
  if (!connection) return std::unexpected(connection.error());
  auto rows = (*connection)->query(sql, values...);
  return all(rows, &cart_row);
}

} // namespace

Result<LedgerTime> SqliteLedger::ping() {
  rollback();
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  // Asking for the writer's lock fails where writing would; that somebody else has it proves the
  // same, so no waiting.
  (*connection)->set_lock_wait(std::chrono::milliseconds(0));
  const auto begun = (*connection)->begin();
  (*connection)->rollback();
  (*connection)->set_lock_wait(settings_.lock_wait);
  if (!begun && begun.error().code != Errc::store_conflict) return std::unexpected(begun.error());
  return clock_.wall();
}

Result<std::vector<LaneRow>> SqliteLedger::lanes() {
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  auto rows = (*connection)->query("SELECT " PANIER_LANE_COLUMNS " FROM panier_lane");
  return all(rows, &lane_row);
}

Result<int> SqliteLedger::delete_dead_lanes(LedgerTime heartbeat_before) {
  int deleted = 0;
  auto done = transact([&](Connection& connection) -> Result<void> {
    auto gone = connection
                    .query("DELETE FROM panier_lane WHERE token IS NULL AND heartbeat < ?",
                           ms(heartbeat_before))
                    .run();
    deleted = connection.changes();
    return gone;
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return deleted;
}

Result<std::vector<Lagging>> SqliteLedger::lagging(const std::optional<UserId>& after, int limit) {
  // A page that had only orphans is not the end, so the page is read again without them; each round
  // deletes some.
  for (;;) {
    auto page = lag_page(connected(), after, limit);
    if (!page) return std::unexpected(std::move(page.error()));
    if (page->orphans.empty()) return std::move(page->entries);
    auto deleted = transact([&](Connection& writer) -> Result<void> {
      for (const auto& user : page->orphans) {
        // Not those whose cart has come into being since the page was read.
        auto gone = writer
                        .query("DELETE FROM panier_mirror_lag WHERE user_id = ?1"
                               " AND NOT EXISTS (SELECT 1 FROM panier WHERE user_id = ?1)",
                               user)
                        .run();
        if (!gone) return gone;
      }
      return {};
    });
    if (!deleted) return std::unexpected(std::move(deleted.error()));
  }
}

Result<std::int64_t> SqliteLedger::lag_count() {
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  auto row = (*connection)->query("SELECT count(*) FROM panier_mirror_lag");
  auto found = row.step();
  if (!found) return std::unexpected(std::move(found.error()));
  return row.integer(0);
}

Result<void> SqliteLedger::lag_done(std::span<const Listed> done) {
  if (done.empty()) return {};
  return transact([&](Connection& connection) -> Result<void> {
    for (const auto& entry : done) {
      auto gone = connection
                      .query("DELETE FROM panier_mirror_lag WHERE user_id = ? AND version <= ?",
                             entry.user.text(), entry.version)
                      .run();
      if (!gone) return gone;
    }
    return {};
  });
}

Result<void> SqliteLedger::add_lag(std::span<const Listed> behind) {
  if (behind.empty()) return {};
  return transact([&](Connection& connection) -> Result<void> {
    for (const auto& entry : behind) {
      auto added =
          connection
              .query(
                  "INSERT INTO panier_mirror_lag (user_id, version)"
                  " SELECT user_id, max(version, ?2) FROM panier WHERE user_id = ?1"
                  " ON CONFLICT (user_id) DO UPDATE SET version = max(version, excluded.version)",
                  entry.user.text(), entry.version)
              .run();
      if (!added) return added;
    }
    return {};
  });
}

Result<std::vector<CartRow>> SqliteLedger::purgeable(LedgerTime deleted_before, int limit) {
  return carts(
      connected(),
      "SELECT " PANIER_CART_COLUMNS " FROM panier WHERE deleted_at < ?"
      " AND NOT EXISTS (SELECT 1 FROM panier_mirror_lag l WHERE l.user_id = panier.user_id)"
      " AND " PANIER_NAMED("user_id") " ORDER BY deleted_at LIMIT ?",
      ms(deleted_before), limit);
}

Result<std::vector<CartRow>> SqliteLedger::untouched(LedgerTime updated_before, int limit) {
  // No index: it would cost every write a page, for a question that upkeep asks now and then.
  return carts(connected(),
               "SELECT " PANIER_CART_COLUMNS
               " FROM panier WHERE deleted_at IS NULL AND updated_at < ?"
               " AND " PANIER_NAMED("user_id") " LIMIT ?",
               ms(updated_before), limit);
}

Result<int> SqliteLedger::purge_keys(LedgerTime written_before, int limit) {
  int deleted = 0;
  auto done = transact([&](Connection& connection) -> Result<void> {
    auto gone = connection
                    .query("DELETE FROM panier_idempotency WHERE (user_id, key_hash) IN"
                           " (SELECT user_id, key_hash FROM panier_idempotency WHERE written_at < ?"
                           " ORDER BY written_at LIMIT ?)",
                           ms(written_before), limit)
                    .run();
    deleted = connection.changes();
    return gone;
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return deleted;
}

Result<std::vector<CartRow>> SqliteLedger::scan(const std::optional<UserId>& after, int limit) {
  return carts(connected(),
               "SELECT " PANIER_CART_COLUMNS " FROM panier WHERE user_id > ? AND " PANIER_NAMED(
                   "user_id") " ORDER BY user_id LIMIT ?",
               text_or_start(after), limit);
}

Result<std::vector<std::string>> SqliteLedger::misnamed(const std::optional<UserId>& after,
                                                        const std::optional<UserId>& until,
                                                        int limit) {
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  const auto bound = [](const std::optional<UserId>& user) {
    return user ? std::optional<std::string_view>(user->text()) : std::nullopt;
  };
  // Every text is below the empty blob, and none below the empty text.
  auto rows = (*connection)
                  ->query("SELECT user_id FROM panier WHERE user_id >= coalesce(?1, '')"
                          " AND user_id IS NOT ?1 AND user_id <= coalesce(?2, x'')"
                          " AND NOT " PANIER_NAMED("user_id") " ORDER BY user_id LIMIT ?3",
                          bound(after), bound(until), limit);
  return all<std::string>(
      rows, [](const Statement& row) -> Result<std::string> { return std::string(row.text(0)); });
}

} // namespace panier::store::sqlite
