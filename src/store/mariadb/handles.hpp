// Who frees what the C driver hands out: one deleter for each kind of handle, and no other close or
// free anywhere.
#pragma once

#include <memory>

#include <mysql.h>

namespace panier::store::mariadb {

struct ConnectionDeleter {
  void operator()(MYSQL* connection) const noexcept { mysql_close(connection); }
};
using ConnectionPtr = std::unique_ptr<MYSQL, ConnectionDeleter>;

struct ResultDeleter {
  void operator()(MYSQL_RES* result) const noexcept { mysql_free_result(result); }
};
using ResultPtr = std::unique_ptr<MYSQL_RES, ResultDeleter>;

// Must go before its connection.
struct StatementDeleter {
  void operator()(MYSQL_STMT* statement) const noexcept { mysql_stmt_close(statement); }
};
using StatementPtr = std::unique_ptr<MYSQL_STMT, StatementDeleter>;

} // namespace panier::store::mariadb
