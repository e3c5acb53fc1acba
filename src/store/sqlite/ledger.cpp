#include "store/sqlite/ledger.hpp"

#include <utility>

#include "store/lines/lines_json.hpp"
#include "store/sqlite/rows.hpp"

namespace panier::store::sqlite {

using commit::CartRow;
using commit::LaneKey;
using commit::LaneRow;
using commit::LedgerTime;
using commit::Listed;
using commit::Opened;
using commit::OpenRequest;
using commit::StoredKey;
using commit::UserId;
using commit::Writes;

namespace {

// --- open(): mark, lock, look ---

// The writer's lock is ours, so that reading the row is holding it.
Result<std::optional<LaneRow>> mark(Connection& connection, const LaneKey& lane, LedgerTime now) {
  {
    auto row = connection.query("SELECT " PANIER_LANE_COLUMNS
                                " FROM panier_lane WHERE instance = ? AND lane = ?",
                                lane.instance, lane.lane);
    auto rows = all(row, &lane_row);
    if (!rows) return std::unexpected(std::move(rows.error()));
    if (!rows->empty()) return std::optional(std::move(rows->front()));
  }
  auto made = connection.query("INSERT INTO panier_lane (" PANIER_LANE_COLUMNS
                               ") VALUES (?, ?, 0, NULL, 0, '[]', '[]', ?)",
                               lane.instance, lane.lane, ms(now));
  if (auto done = made.run(); !done) return std::unexpected(std::move(done.error()));
  return std::nullopt;
}

Result<std::optional<CartRow>> find_cart(Connection& connection, const UserId& user) {
  auto row =
      connection.query("SELECT " PANIER_CART_COLUMNS " FROM panier WHERE user_id = ?", user.text());
  auto rows = all(row, &cart_row);
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->empty() ? std::nullopt : std::optional(std::move(rows->front()));
}

Result<std::optional<CartRow>> lock(Connection& connection, const OpenRequest::Wanted& wanted,
                                    LedgerTime now) {
  auto found = find_cart(connection, wanted.user);
  if (!found || *found || !wanted.fresh_id) return found;
  auto made = connection.query(
      "INSERT INTO panier (" PANIER_CART_COLUMNS ") VALUES (?1, ?2, NULL, '[]', 0, ?3, ?4, ?4, ?4)",
      wanted.user.text(), wanted.fresh_id->hex(), commit::Token{}.bytes(), ms(now));
  if (auto done = made.run(); !done) return std::unexpected(std::move(done.error()));
  return find_cart(connection, wanted.user);
}

Result<std::vector<LaneRow>> look(Connection& connection, const std::optional<LaneKey>& own) {
  auto rows = connection.query("SELECT " PANIER_LANE_COLUMNS " FROM panier_lane"
                               " WHERE token IS NOT NULL AND NOT (instance = ? AND lane = ?)",
                               own ? own->instance : std::string(), own ? own->lane : -1);
  return all(rows, &lane_row);
}

Result<commit::Version> read_floor(Connection& connection) {
  auto row = connection.query("SELECT version FROM panier_floor");
  auto found = row.step();
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return fail(Errc::store_corrupt, "panier_floor has lost its row");
  return row.integer(0);
}

Result<std::vector<UserId>> find_lagging(Connection& connection,
                                         std::span<const OpenRequest::Wanted> wanted) {
  std::vector<UserId> lagging;
  for (const auto& [user, fresh_id] : wanted) {
    auto lags =
        connection.query("SELECT 1 FROM panier_mirror_lag WHERE user_id = ?", user.text()).step();
    if (!lags) return std::unexpected(std::move(lags.error()));
    if (*lags) lagging.push_back(user);
  }
  return lagging;
}

Result<std::vector<StoredKey>> find_keys(Connection& connection,
                                         std::span<const commit::KeyRef> refs) {
  std::vector<StoredKey> keys;
  for (const auto& ref : refs) {
    auto row = connection.query(
        "SELECT fingerprint, answer FROM panier_idempotency WHERE user_id = ? AND key_hash = ?",
        ref.user.text(), ref.key);
    auto found = row.step();
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found) continue;
    const auto fingerprint = fixed_bytes<32>(row.bytes(0));
    if (!fingerprint)
      return fail(Errc::store_corrupt,
                  "idempotency key of '" + ref.user.text() + "' cannot be read");
    keys.push_back({ref, *fingerprint, std::string(row.text(1))});
  }
  return keys;
}

Result<Opened> mark_lock_look(Connection& connection, const OpenRequest& request, LedgerTime now) {
  Opened opened;
  opened.now = now;
  if (request.lane) {
    auto own = mark(connection, *request.lane, now);
    if (!own) return std::unexpected(std::move(own.error()));
    opened.own = std::move(*own);
  }
  for (const auto& wanted : request.wanted) {
    auto cart = lock(connection, wanted, now);
    if (!cart) return std::unexpected(std::move(cart.error()));
    if (auto& found = *cart) opened.carts.push_back(std::move(*found));
  }
  auto others = look(connection, request.lane);
  if (!others) return std::unexpected(std::move(others.error()));
  opened.others = std::move(*others);
  const auto floor = read_floor(connection);
  if (!floor) return std::unexpected(floor.error());
  opened.floor = *floor;
  if (request.lag_too) {
    auto lagging = find_lagging(connection, request.wanted);
    if (!lagging) return std::unexpected(std::move(lagging.error()));
    opened.lagging = std::move(*lagging);
  }
  auto keys = find_keys(connection, request.keys);
  if (!keys) return std::unexpected(std::move(keys.error()));
  opened.keys = std::move(*keys);
  return opened;
}

// --- commit(): one function for each kind of write ---

// Each of these rows was locked by open(), so it must be there.
Result<void> changed_one(Connection& connection, Statement&& statement, std::string_view whose) {
  if (auto done = statement.run(); !done) return done;
  if (connection.changes() == 1) return {};
  return fail(Errc::store_rejected,
              "'" + std::string(whose) + "' was not locked by this transaction");
}

Result<void> write_cart(Connection& connection, const CartRow& row) {
  return changed_one(
      connection,
      connection.query(
          "UPDATE panier SET articles = ?2, version = ?3, token = ?4, updated_at = ?5,"
          " created_at = CASE WHEN ?6 AND deleted_at IS NOT NULL THEN ?7 ELSE created_at END,"
          " deleted_at = CASE WHEN ?6 THEN NULL ELSE ?5 END WHERE user_id = ?1",
          row.user.text(), articles_text(row), row.cart.version, row.token.bytes(),
          ms(row.updated_at), row.cart.exists, ms(row.created_at)),
      row.user.text());
}

Result<void> write_lag(Connection& connection, const Listed& lag) {
  return connection
      .query("INSERT INTO panier_mirror_lag (user_id, version) VALUES (?, ?)"
             " ON CONFLICT (user_id) DO UPDATE SET version = max(version, excluded.version)",
             lag.user.text(), lag.version)
      .run();
}

Result<void> remove_lag(Connection& connection, const Listed& done) {
  return connection
      .query("DELETE FROM panier_mirror_lag WHERE user_id = ? AND version <= ?", done.user.text(),
             done.version)
      .run();
}

Result<void> write_key(Connection& connection, const StoredKey& key, LedgerTime now) {
  return connection
      .query("INSERT INTO panier_idempotency (user_id, key_hash, fingerprint, answer, written_at) "
             "VALUES (?, ?, ?, ?, ?)"
             " ON CONFLICT DO NOTHING",
             key.ref.user.text(), key.ref.key, key.fingerprint, key.answer, ms(now))
      .run();
}

Result<void> purge(Connection& connection, const Listed& tombstone) {
  auto gone =
      connection
          .query("DELETE FROM panier WHERE user_id = ? AND version = ? AND deleted_at IS NOT NULL",
                 tombstone.user.text(), tombstone.version)
          .run();
  if (!gone || connection.changes() == 0) return gone;
  auto raised =
      connection.query("UPDATE panier_floor SET version = max(version, ?)", tombstone.version)
          .run();
  if (!raised) return raised;
  return connection.query("DELETE FROM panier_mirror_lag WHERE user_id = ?", tombstone.user.text())
      .run();
}

Result<void> close_row(Connection& connection, const LaneRow& row) {
  const auto token = row.token ? std::optional(row.token->bytes()) : std::nullopt;
  return changed_one(
      connection,
      connection.query(
          "UPDATE panier_lane SET last_batch = ?3, token = ?4, expires_at = ?5, reserved = ?6,"
          " in_flight = ?7, heartbeat = ?8 WHERE instance = ?1 AND lane = ?2",
          row.key.instance, row.key.lane, row.last_batch, token, ms(row.expires_at),
          listed_to_json(row.reserved), listed_to_json(row.in_flight), ms(row.heartbeat)),
      row.key.instance);
}

Result<void> write_all(Connection& connection, const Writes& writes, LedgerTime now) {
  for (const auto& cart : writes.carts)
    if (auto done = write_cart(connection, cart); !done) return done;
  for (const auto& lag : writes.lag)
    if (auto done = write_lag(connection, lag); !done) return done;
  for (const auto& lag : writes.lag_done)
    if (auto done = remove_lag(connection, lag); !done) return done;
  for (const auto& key : writes.keys)
    if (auto done = write_key(connection, key, now); !done) return done;
  for (const auto& tombstone : writes.purge)
    if (auto done = purge(connection, tombstone); !done) return done;
  if (writes.row) return close_row(connection, *writes.row);
  return {};
}

} // namespace

std::filesystem::path ledger_file(const Settings& settings) {
  return settings.dir->path() / "ledger.sqlite3";
}

Result<SharedConnection::Turn> SqliteLedger::connected() {
  return connection_->take(settings_.lock_wait, [&] {
    return Connection::open(ledger_file(settings_), Connection::WhenAbsent::refuse,
                            settings_.lock_wait);
  });
}

Result<Opened> SqliteLedger::open(const OpenRequest& request) {
  rollback();
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto begun = (*connection)->begin(); !begun) return std::unexpected(std::move(begun.error()));
  open_ = std::move(*connection);
  auto opened = mark_lock_look(**open_, request, clock_.wall());
  if (!opened) rollback();
  return opened;
}

Result<void> SqliteLedger::commit(const Writes& writes) {
  if (!open_) return fail(Errc::store_unreachable, "no transaction is open");
  if (auto written = write_all(**open_, writes, clock_.wall()); !written) {
    rollback();
    return written;
  }
  auto committed = (*open_)->commit();
  open_.reset();
  return committed;
}

void SqliteLedger::rollback() noexcept {
  if (open_) (*open_)->rollback();
  open_.reset();
}

Result<void> SqliteLedger::transact(const std::function<Result<void>(Connection&)>& work) {
  rollback();
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (auto begun = (*connection)->begin(); !begun) return begun;
  if (auto done = work(**connection); !done) {
    (*connection)->rollback();
    return done;
  }
  return (*connection)->commit();
}

Result<std::optional<std::int64_t>> SqliteLedger::last_batch(const LaneKey& lane) {
  std::optional<std::int64_t> batch;
  auto decided = transact([&](Connection& connection) -> Result<void> {
    auto row =
        connection.query("SELECT last_batch FROM panier_lane WHERE instance = ? AND lane = ?",
                         lane.instance, lane.lane);
    auto found = row.step();
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found) batch = row.integer(0);
    // A commit whose sync failed may have left its frames at the end of the log, where a power cut
    // would bring them to life. A transaction that writes takes their place: what we read is what
    // stays.
    return connection.query("UPDATE panier_floor SET probes = probes + 1").run();
  });
  if (decided) return batch;
  if (decided.error().code == Errc::commit_unknown)
    decided.error().code = Errc::store_unreachable; // not known now: ask again
  return std::unexpected(std::move(decided.error()));
}

Result<std::vector<CartRow>> SqliteLedger::read(std::span<const UserId> users) {
  rollback();
  auto connection = connected();
  if (!connection) return std::unexpected(std::move(connection.error()));
  // In one process a SELECT for each is as fast as IN, and one prepared statement does for any
  // number.
  if (auto begun = (*connection)->begin_read(); !begun)
    return std::unexpected(std::move(begun.error()));
  Result<std::vector<CartRow>> rows;
  for (const auto& user : users) {
    auto row = find_cart(**connection, user);
    if (!row) {
      rows = std::unexpected(std::move(row.error()));
      break;
    }
    if (auto& found = *row) rows->push_back(std::move(*found));
  }
  (*connection)->rollback(); // nothing was written
  return rows;
}

} // namespace panier::store::sqlite
