// Columns to values, the same for both files. Whatever cannot be read is store_corrupt and names
// the row.
#pragma once

#include "commit/ports/ledger.hpp"
#include "store/sqlite/connection.hpp"

namespace panier::store::sqlite {

[[nodiscard]] inline std::int64_t ms(commit::LedgerTime time) {
  return time.time_since_epoch().count();
}
[[nodiscard]] inline commit::LedgerTime at_ms(std::int64_t count) {
  return commit::LedgerTime(std::chrono::milliseconds(count));
}

// Bytes of exactly this length, else nullopt.
template <std::size_t N>
[[nodiscard]] std::optional<std::array<std::uint8_t, N>>
fixed_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != N) return std::nullopt;
  std::array<std::uint8_t, N> fixed;
  std::copy(bytes.begin(), bytes.end(), fixed.begin());
  return fixed;
}

// The columns that cart_row() reads, in its order.
#define PANIER_CART_COLUMNS                                                                        \
  "user_id, id, id_maria, articles, version, token, created_at, updated_at, deleted_at"
[[nodiscard]] Result<commit::CartRow> cart_row(const Statement& row);

// The columns that lane_row() reads, in its order.
#define PANIER_LANE_COLUMNS                                                                        \
  "instance, lane, last_batch, token, expires_at, reserved, in_flight, heartbeat"
[[nodiscard]] Result<commit::LaneRow> lane_row(const Statement& row);

// All rows of a statement, each read by `read_row`.
template <class Row>
[[nodiscard]] Result<std::vector<Row>> all(Statement& statement,
                                           Result<Row> (*read_row)(const Statement&)) {
  std::vector<Row> rows;
  for (;;) {
    auto more = statement.step();
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) return rows;
    auto row = read_row(statement);
    if (!row) return std::unexpected(std::move(row.error()));
    rows.push_back(std::move(*row));
  }
}

} // namespace panier::store::sqlite
