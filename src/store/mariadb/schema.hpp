// Brings a database to the schema that this program knows (schema/mariadb/*.sql).
#pragma once

#include "store/mariadb/session.hpp"

namespace panier::store::mariadb {

// Several instances may do this at once: they take turns. schema_unmigrated: a table `panier`
// without `version` is the predecessor's, or the schema is of a later release; nothing was changed.
// store_denied: the server is too old, or does not let us.
[[nodiscard]] Result<void> bring_schema_up_to_date(Session& session);

// schema_unmigrated: `panier migrate`, or its undo, was begun and is not finished.
[[nodiscard]] Result<void> check_no_migration(Session& session);

} // namespace panier::store::mariadb
