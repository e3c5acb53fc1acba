// MONGO_URI_PANIERS: what must be known of it before the driver sees it. Pure; private to this
// room.
#pragma once

#include <string_view>

#include "config/config.hpp"

namespace panier::config {

// Checks the scheme, the hosts and the database name, refuses unacknowledged writes, and masks what
// is secret. The error never shows a part of the URI.
[[nodiscard]] Result<MongoDb> parse_mongo_uri(std::string_view uri);

} // namespace panier::config
