// The SQL of a lane's transaction, in one place.
#pragma once

#include "commit/ports/ledger.hpp"
#include "store/mariadb/sql.hpp"

namespace panier::store::mariadb {

using Wanted = commit::OpenRequest::Wanted;

// The own row, FOR UPDATE.
void mark(Sql& sql, const commit::LaneKey& lane);
void insert_lane(Sql& sql, const commit::LaneKey& lane);
// Locks these carts, in user_id order, without waiting for any of them.
void lock_carts(Sql& sql, std::span<const Wanted> wanted);
// Which of them are known? A plain read.
void find_users(Sql& sql, std::span<const Wanted> wanted);
// Two statements: the tombstones, and SHOW WARNINGS.
void insert_tombstones(Sql& sql, std::span<const Wanted> fresh);

// Everything that must be read later than the locks, each a statement of its own: the other lanes'
// rows; floor, clock and which of the carts lag; and the keys, if any are asked for.
void look(Sql& sql, const commit::OpenRequest& request);

// An upsert of carts on the primary key, which is the cheapest way to update many rows by one
// statement: the rows are there, since we hold their locks, so nothing is ever inserted. Without
// id_maria the server would insert first and take it back at the second unique key. created_at
// moves only when a tombstone comes back to life.
inline constexpr std::string_view cart_upsert_start =
    "INSERT INTO panier (id_maria,id,user_id,articles,version,token,created_at,updated_at,"
    "deleted_at) VALUES ";
inline constexpr std::string_view cart_upsert_end =
    " ON DUPLICATE KEY UPDATE articles=VALUES(articles),"
    "token=VALUES(token),updated_at=VALUES(updated_at),"
    "created_at=IF(deleted_at IS NOT NULL AND VALUES(deleted_at) IS NULL,VALUES(created_at),"
    "created_at),deleted_at=VALUES(deleted_at)";
// The user's cart as the transaction found it; nullptr: it did not open that one. `seen` is in
// user_id order.
[[nodiscard]] const commit::CartRow* find_row(std::span<const commit::CartRow> seen,
                                              const commit::UserId& user);
[[nodiscard]] std::unexpected<Error> not_opened(const commit::UserId& user);

// The writes of one transaction, without COMMIT, and of its carts only these. Every one of them
// stands in `seen`, internal otherwise, and is locked.
[[nodiscard]] Result<void> write_all(Sql& sql, const commit::Writes& writes,
                                     std::span<const commit::CartRow> carts,
                                     std::span<const commit::CartRow> seen);

// Lag rows that the mirror has reached: a statement each.
void delete_lag(Sql& sql, std::span<const commit::Listed> done);

// " WHERE column IN (..)"
void where_user_in(Sql& sql, std::string_view column, std::span<const commit::UserId> users);

} // namespace panier::store::mariadb
