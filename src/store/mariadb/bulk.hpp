// Many carts by one prepared statement with arrays (MariaDB's bulk protocol): the server parses
// nothing for them. For a full batch that is a third of what the same upsert costs as text, and
// worth the round trip of its own from a dozen carts on.
#pragma once

#include "commit/ports/ledger.hpp"
#include "store/mariadb/session.hpp"
#include "store/mariadb/statements.hpp"

namespace panier::store::mariadb {

inline constexpr std::size_t bulk_carts_min = 16;

// Writes these carts within the open transaction, each only over the version that it has in `seen`:
// store_rejected if one has another, or is gone. store_conflict if somebody holds one: it is not
// waited for. After any error the transaction has to be rolled back. Every one of the carts stands
// in `seen`, which is in user_id order; internal otherwise.
[[nodiscard]] Result<void> write_in_bulk(Session& session, std::span<const commit::CartRow> carts,
                                         std::span<const commit::CartRow> seen);

} // namespace panier::store::mariadb
