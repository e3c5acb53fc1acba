#include "store/sqlite/errors.hpp"

#include <utility>

#include <sqlite3.h>

namespace panier::store::sqlite {
namespace {

Errc to_errc(int code, Phase phase) {
  if (code == SQLITE_IOERR_CORRUPTFS) return Errc::store_corrupt;
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL: // the log's lock was lost in a race, and SQLite gave up trying
    return Errc::store_conflict;
  // The last frame of a transaction is the one that commits it, so a write that found no room
  // cannot have done it.
  case SQLITE_FULL:
  case SQLITE_NOMEM:
  case SQLITE_CANTOPEN: return Errc::store_unreachable;
  // A failed sync says nothing about what is on the disk: if the machine stops now, the log may be
  // read back with the transaction in it. last_batch() settles that.
  case SQLITE_IOERR: return phase == Phase::commit ? Errc::commit_unknown : Errc::store_unreachable;
  case SQLITE_INTERRUPT: return Errc::store_timeout;
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH: return Errc::store_denied;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB: return Errc::store_corrupt;
  default: // a constraint, a size, our own SQL: it would be refused again
    return Errc::store_rejected;
  }
}

} // namespace

Error to_error(int code, Phase phase, std::string text) {
  return Error{to_errc(code, phase), {}, std::move(text)};
}

bool survives(int code) noexcept {
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_CONSTRAINT:
  case SQLITE_TOOBIG: return true;
  default: return false;
  }
}

} // namespace panier::store::sqlite
