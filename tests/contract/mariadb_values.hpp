// What the MariaDB tests share.
#pragma once

#include <string>

#include "store/mariadb/ledger_store.hpp"
#include "support/mariadb_server.hpp"

namespace panier::contract {

inline store::mariadb::Settings mariadb_settings(const support::MariadbServer& server,
                                                 std::string database) {
  store::mariadb::Settings settings;
  settings.host = "127.0.0.1";
  settings.port = server.port();
  settings.user = support::MariadbServer::user();
  settings.password = support::MariadbServer::password();
  settings.database = std::move(database);
  return settings;
}

} // namespace panier::contract
