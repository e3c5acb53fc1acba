#include "store/mariadb/statements.hpp"

#include "store/lines/lines_json.hpp"
#include "store/mariadb/rows.hpp"

namespace panier::store::mariadb {
namespace {

void of_lane(Sql& sql, const commit::LaneKey& lane) {
  sql.raw("instance=").quoted(lane.instance).raw(" AND lane=").number(lane.lane);
}

void in_users(Sql& sql, std::span<const Wanted> wanted) {
  sql.raw(" IN (").list(wanted, [&](const Wanted& one) { sql.user(one.user); }).raw(")");
}

Result<void> write_carts(Sql& sql, std::span<const commit::CartRow> carts,
                         std::span<const commit::CartRow> seen) {
  sql.statement(cart_upsert_start);
  const commit::UserId* stranger = nullptr;
  sql.list(carts, [&](const commit::CartRow& row) {
    const auto* known = find_row(seen, row.user);
    if (known == nullptr) {
      stranger = &row.user;
      return;
    }
    sql.raw("(")
        .number(known->id_maria)
        .raw(",")
        .quoted(known->cart.id.hex())
        .raw(",")
        .user(row.user);
    sql.raw(",").quoted(articles_text(row)).raw(",").number(row.cart.version);
    sql.raw(",").token(row.token).raw(",").timestamp(row.created_at).raw(",");
    sql.timestamp(row.updated_at).raw(",");
    if (row.cart.exists)
      sql.raw("NULL)");
    else
      sql.timestamp(row.updated_at).raw(")");
  });
  if (stranger != nullptr) return not_opened(*stranger);
  sql.raw(cart_upsert_end).raw(",version=VALUES(version)");
  return {};
}

void write_lag(Sql& sql, std::span<const commit::Listed> lag) {
  sql.statement("INSERT INTO panier_mirror_lag (user_id,version) VALUES ");
  sql.list(lag, [&](const commit::Listed& one) {
    sql.raw("(").user(one.user).raw(",").number(one.version).raw(")");
  });
  sql.raw(" ON DUPLICATE KEY UPDATE version=GREATEST(version,VALUES(version))");
}

void write_keys(Sql& sql, std::span<const commit::StoredKey> keys) {
  sql.statement("INSERT INTO panier_idempotency (user_id,key_hash,fingerprint,answer,written_at) "
                "VALUES ");
  sql.list(keys, [&](const commit::StoredKey& key) {
    sql.raw("(").user(key.ref.user).raw(",").bytes(key.ref.key).raw(",").bytes(key.fingerprint);
    sql.raw(",").quoted(key.answer).raw(",").raw(clock_column).raw(")");
  });
  // Not INSERT IGNORE, which would also swallow an answer that is too long.
  sql.raw(" ON DUPLICATE KEY UPDATE user_id=VALUES(user_id)");
}

// The floor rises only for what was really deleted: ROW_COUNT() is the statement's before.
void purge(Sql& sql, std::span<const commit::Listed> tombstones) {
  for (const auto& one : tombstones) {
    sql.statement("DELETE p,l FROM panier p FORCE INDEX (uq_panier_user) LEFT JOIN "
                  "panier_mirror_lag l ON l.user_id=p.user_id WHERE p.user_id=");
    sql.user(one.user).raw(" AND p.version=").number(one.version);
    sql.raw(" AND p.deleted_at IS NOT NULL");
    sql.statement("UPDATE panier_floor SET version=GREATEST(version,").number(one.version);
    sql.raw(") WHERE id=1 AND ROW_COUNT()>0");
  }
}

void close(Sql& sql, const commit::LaneRow& row) {
  sql.statement("UPDATE panier_lane SET last_batch=").number(row.last_batch).raw(",token=");
  if (row.token)
    sql.bytes(row.token->bytes());
  else
    sql.raw("NULL");
  sql.raw(",expires_at=").time(row.expires_at);
  sql.raw(",reserved=").quoted(listed_to_json(row.reserved));
  sql.raw(",in_flight=").quoted(listed_to_json(row.in_flight));
  sql.raw(",heartbeat=").time(row.heartbeat).raw(" WHERE ");
  of_lane(sql, row.key);
}

} // namespace

// One statement each: by the primary key, the server never scans, and so never waits for a
// stranger's row.
void delete_lag(Sql& sql, std::span<const commit::Listed> done) {
  for (const auto& one : done) {
    sql.statement("DELETE FROM panier_mirror_lag WHERE user_id=").user(one.user);
    sql.raw(" AND version<=").number(one.version);
  }
}

void mark(Sql& sql, const commit::LaneKey& lane) {
  sql.statement("SELECT ").raw(lane_columns).raw(" FROM panier_lane WHERE ");
  of_lane(sql, lane);
  sql.raw(" FOR UPDATE");
}

void insert_lane(Sql& sql, const commit::LaneKey& lane) {
  sql.statement("INSERT INTO panier_lane (instance,lane,expires_at,reserved,in_flight,"
                "heartbeat) VALUES (");
  sql.quoted(lane.instance).raw(",").number(lane.lane).raw(",").raw(clock_column);
  sql.raw(",'[]','[]',").raw(clock_column).raw(")");
}

void lock_carts(Sql& sql, std::span<const Wanted> wanted) {
  sql.statement("SELECT ").raw(cart_columns);
  sql.raw(" FROM panier p FORCE INDEX (uq_panier_user) WHERE p.user_id");
  in_users(sql, wanted);
  sql.raw(" ORDER BY p.user_id FOR UPDATE SKIP LOCKED");
}

void find_users(Sql& sql, std::span<const Wanted> wanted) {
  sql.statement("SELECT user_id FROM panier FORCE INDEX (uq_panier_user) WHERE user_id");
  in_users(sql, wanted);
}

void insert_tombstones(Sql& sql, std::span<const Wanted> fresh) {
  sql.statement("INSERT IGNORE INTO panier (id,user_id,articles,created_at,updated_at,deleted_at) "
                "VALUES ");
  sql.list(fresh, [&](const Wanted& one) {
    sql.raw("(").quoted(one.fresh_id->hex()).raw(",").user(one.user);
    sql.raw(",'[]',NOW(3),NOW(3),NOW(3))");
  });
  sql.statement("SHOW WARNINGS");
}

void look(Sql& sql, const commit::OpenRequest& request) {
  sql.statement("SELECT ").raw(lane_columns).raw(" FROM panier_lane WHERE token IS NOT NULL");
  if (request.lane) {
    sql.raw(" AND NOT (");
    of_lane(sql, *request.lane);
    sql.raw(")");
  }
  sql.statement("SELECT version,").raw(clock_column);
  if (request.wanted.empty() || !request.lag_too) {
    sql.raw(",NULL");
  } else { // an identifier has no comma
    sql.raw(",(SELECT GROUP_CONCAT(user_id) FROM panier_mirror_lag WHERE user_id");
    in_users(sql, request.wanted);
    sql.raw(")");
  }
  sql.raw(" FROM panier_floor WHERE id=1");
  if (request.keys.empty()) return;
  sql.statement("SELECT ").raw(key_columns).raw(" FROM panier_idempotency WHERE ");
  // Spelled out, because the optimizer finds no ranges in (user_id, key_hash) IN (..).
  sql.any_of(request.keys, [&](const commit::KeyRef& ref) {
    sql.raw("(user_id=").user(ref.user).raw(" AND key_hash=").bytes(ref.key).raw(")");
  });
}

const commit::CartRow* find_row(std::span<const commit::CartRow> seen, const commit::UserId& user) {
  const auto at = std::ranges::lower_bound(seen, user, {}, &commit::CartRow::user);
  return at != seen.end() && at->user == user ? &*at : nullptr;
}

std::unexpected<Error> not_opened(const commit::UserId& user) {
  return fail(Errc::internal, "a write to " + user.text() + ", which was not opened");
}

Result<void> write_all(Sql& sql, const commit::Writes& writes,
                       std::span<const commit::CartRow> carts,
                       std::span<const commit::CartRow> seen) {
  if (!carts.empty())
    if (auto written = write_carts(sql, carts, seen); !written) return written;
  if (!writes.lag.empty()) write_lag(sql, writes.lag);
  delete_lag(sql, writes.lag_done);
  if (!writes.keys.empty()) write_keys(sql, writes.keys);
  if (!writes.purge.empty()) purge(sql, writes.purge);
  if (writes.row) close(sql, *writes.row);
  return {};
}

void where_user_in(Sql& sql, std::string_view column, std::span<const commit::UserId> users) {
  sql.raw(" WHERE ").raw(column).raw(" IN (");
  sql.list(users, [&](const commit::UserId& one) { sql.user(one); }).raw(")");
}

} // namespace panier::store::mariadb
