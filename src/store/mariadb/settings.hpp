// Where the MariaDB server is, and how long panier waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace panier::store::mariadb {

// Timeouts are whole seconds because the driver and the server count in seconds.
struct Settings {
  std::string host; // a name or an address; always TCP, also for "localhost"
  std::uint16_t port = 3306;
  std::string user;
  std::string password; // never in a log, an error or a metric
  std::string database; // must exist

  std::chrono::seconds connect_timeout{2}; // resolving the name included
  std::chrono::seconds read_timeout{3};    // for each answer of the server
  std::chrono::seconds write_timeout{3};
  std::chrono::seconds lock_wait{1};        // rows and tables; must be shorter than read_timeout
  std::chrono::seconds idle_transaction{5}; // the server ends a transaction that was left alone
  std::chrono::seconds schema_timeout{30};  // for each answer while prepare() changes tables
};

} // namespace panier::store::mariadb
