// Rows of our tables, as values. What cannot be read is store_corrupt, and the text says which row
// it was.
#pragma once

#include "commit/ports/ledger.hpp"
#include "store/mariadb/session.hpp"

namespace panier::store::mariadb {

// The columns that cart_row() reads, in its order, of a table or alias named p; and how many they
// are.
inline constexpr std::string_view cart_columns =
    "p.id_maria,p.id,p.user_id,p.articles,p.version,p.token,p.created_at,p.updated_at,p.deleted_at";
inline constexpr unsigned cart_columns_count = 9;
[[nodiscard]] Result<commit::CartRow> cart_row(const Row& row);

inline constexpr std::string_view lane_columns =
    "instance,lane,last_batch,token,expires_at,reserved,in_flight,heartbeat";
[[nodiscard]] Result<commit::LaneRow> lane_row(const Row& row);

inline constexpr std::string_view key_columns = "user_id,key_hash,fingerprint,answer";
[[nodiscard]] Result<commit::StoredKey> key_row(const Row& row);

[[nodiscard]] Result<std::int64_t> number(std::string_view text);
[[nodiscard]] Result<commit::UserId> user(std::string_view text);
// Separated by commas; none in an empty text.
[[nodiscard]] Result<std::vector<commit::UserId>> users(std::string_view text);

// The server's clock as an expression that ledger_time() reads: of the statement's start.
inline constexpr std::string_view clock_column = "NOW(3)";
// "YYYY-MM-DD hh:mm:ss.mmm"; decimals may be absent.
[[nodiscard]] Result<commit::LedgerTime> ledger_time(std::string_view text);

} // namespace panier::store::mariadb
