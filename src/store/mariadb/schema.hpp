// Brings a database to the schema that this program knows (schema/mariadb/*.sql).
#pragma once

#include "store/mariadb/session.hpp"

namespace panier::store::mariadb {

enum class For : std::uint8_t { service, migration };

// Several instances may do this at once: they take turns. schema_unmigrated: a table `panier`
// without `version` is the predecessor's, `panier migrate` or its undo was begun and is not
// finished (which is as it should be for the migration itself), or the schema is of a later
// release; nothing was changed. store_denied: the server is too old, or does not let us.
[[nodiscard]] Result<void> bring_schema_up_to_date(Session& session, For whom);

// Returns once nobody is at the schema, not even a server for a client that has died. `session`
// keeps its other locks, and what it has open.
[[nodiscard]] Result<void> wait_for_schema(Session& session);

} // namespace panier::store::mariadb
