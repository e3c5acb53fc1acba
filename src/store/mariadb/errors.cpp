#include "store/mariadb/errors.hpp"

#include <errmsg.h>
#include <mysqld_error.h>

namespace panier::store::mariadb {

namespace {

// Somebody else was in the way: run the whole transaction again.
bool was_in_the_way(unsigned number) {
  switch (number) {
  case ER_LOCK_DEADLOCK:
  case ER_LOCK_WAIT_TIMEOUT:
  case ER_TABLE_DEF_CHANGED:
  case ER_CHECKREAD: // the row changed since it was read (innodb_snapshot_isolation)
  case ER_QUERY_INTERRUPTED: return true;
  default: return false;
  }
}

bool denies(unsigned number) {
  switch (number) {
  // A read-only server may be yesterday's primary: a new connection may lead to today's.
  case ER_OPTION_PREVENTS_STATEMENT:
  case ER_READ_ONLY_MODE:
  case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
  // Who we are, or what we may do. Granting it later takes effect on a new connection.
  case ER_ACCESS_DENIED_ERROR:
  case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
  case ER_ACCESS_DENIED_CHANGE_USER_ERROR:
  case ER_DBACCESS_DENIED_ERROR:
  case ER_TABLEACCESS_DENIED_ERROR:
  case ER_COLUMNACCESS_DENIED_ERROR:
  case ER_SPECIFIC_ACCESS_DENIED_ERROR:
  case ER_BAD_DB_ERROR:
  case ER_HOST_IS_BLOCKED:
  case ER_HOST_NOT_PRIVILEGED:
  case ER_NOT_SUPPORTED_AUTH_MODE:
  case ER_MUST_CHANGE_PASSWORD:
  case ER_MUST_CHANGE_PASSWORD_LOGIN:
  case CR_AUTH_PLUGIN_CANNOT_LOAD:
  case CR_AUTH_PLUGIN_ERR:
  // binlog_format=STATEMENT forbids READ COMMITTED: for the operator to change.
  case ER_BINLOG_STMT_MODE_AND_ROW_ENGINE: return true;
  default: return false;
  }
}

// Below are the numbers of the server's own file and memory functions (mysys), passed on as they
// are.
constexpr unsigned first_of_sql = 1'000;

// The server is going, is full, or cannot work now.
bool is_out_of_order(unsigned number) {
  if (number < first_of_sql) return true;
  switch (number) {
  case ER_SERVER_SHUTDOWN:
  case ER_CONNECTION_KILLED: // KILL, or an idle transaction was ended
  case ER_ABORTING_CONNECTION:
  case ER_NEW_ABORTING_CONNECTION:
  case ER_NET_READ_ERROR:
  case ER_NET_READ_INTERRUPTED:
  case ER_NET_ERROR_ON_WRITE:
  case ER_NET_WRITE_INTERRUPTED:
  case ER_UNKNOWN_COM_ERROR: // also: this Galera node is not ready
  case ER_CON_COUNT_ERROR:
  case ER_TOO_MANY_USER_CONNECTIONS:
  case ER_USER_LIMIT_REACHED:
  case ER_DISK_FULL:
  case ER_RECORD_FILE_FULL:
  case ER_GET_ERRNO: // an error of the storage engine
  case ER_ERROR_ON_READ:
  case ER_ERROR_ON_WRITE:
  case ER_IO_READ_ERROR:
  case ER_IO_WRITE_ERROR:
  case ER_CANT_LOCK: // InnoDB takes no writes
  case ER_OPEN_AS_READONLY:
  case ER_CANT_OPEN_FILE:
  case ER_FILE_NOT_FOUND:
  case ER_TABLE_CORRUPT:
  case ER_NOT_KEYFILE:
  case ER_OLD_KEYFILE:
  case ER_CRASHED_ON_USAGE:
  case ER_CRASHED_ON_REPAIR:
  case ER_GET_ERRMSG: // as ER_GET_ERRNO, with a text
  case ER_GET_TEMPORARY_ERRMSG:
  case ER_BINLOG_ROW_LOGGING_FAILED:
  case ER_STACK_OVERRUN:
  case ER_STACK_OVERRUN_NEED_MORE:
  case ER_INNODB_READ_ONLY:
  case ER_AUTOINC_READ_FAILED: // of a table, not of a row
  case ER_INDEX_CORRUPT:
  case ER_NO_SUCH_TABLE_IN_ENGINE:
  case ER_TABLESPACE_MISSING:
  case ER_TABLESPACE_DISCARDED:
  case ER_LOCK_TABLE_FULL:
  case ER_TOO_MANY_CONCURRENT_TRXS:
  case ER_BINLOG_LOGGING_IMPOSSIBLE:
  case ER_INTERNAL_ERROR:
  case ER_UNKNOWN_ERROR:
  case ER_ERROR_DURING_COMMIT:
  case ER_OUTOFMEMORY:
  case ER_OUT_OF_SORTMEMORY:
  case ER_OUT_OF_RESOURCES: return true;
  default: return false;
  }
}

} // namespace

bool said_by_server(unsigned number) noexcept {
  const bool by_driver = (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) ||
                         (number >= CER_MIN_ERROR && number <= CER_MAX_ERROR);
  return !by_driver;
}

Verdict judge(unsigned number) noexcept {
  if (was_in_the_way(number)) return {Errc::store_conflict, true};
  if (denies(number)) return {Errc::store_denied, false};
  if (is_out_of_order(number)) return {Errc::store_unreachable, false};
  switch (number) {
  // Not our tables: the predecessor's, none, or another release's.
  case ER_NO_SUCH_TABLE:
  case ER_BAD_FIELD_ERROR:
  case ER_KEY_DOES_NOT_EXISTS: return {Errc::schema_unmigrated, true};

  // The packet is too large; the server closes the connection after saying so.
  case ER_NET_PACKET_TOO_LARGE:
  case CR_NET_PACKET_TOO_LARGE: return {Errc::store_rejected, false};

  case ER_STATEMENT_TIMEOUT: return {Errc::store_timeout, false};

  default:
    // What is left of the server's own errors is about the statement or its values, and would come
    // again.
    return said_by_server(number) ? Verdict{Errc::store_rejected, true}
                                  : Verdict{Errc::store_unreachable, false};
  }
}

bool refuses_commit(unsigned number) noexcept {
  switch (number) {
  case ER_LOCK_DEADLOCK: // a Galera node lost the race
  case ER_OPTION_PREVENTS_STATEMENT:
  case ER_READ_ONLY_MODE: return true;
  default: return false; // killed, shut down, disk full: it may have got as far as the log
  }
}

} // namespace panier::store::mariadb
