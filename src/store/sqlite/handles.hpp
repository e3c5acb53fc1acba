// One deleter for each SQLite handle; sqlite3_close and sqlite3_finalize stand nowhere else.
#pragma once

#include <memory>

#include <sqlite3.h>

namespace panier::store::sqlite {

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
};
using DatabaseHandle = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

} // namespace panier::store::sqlite
