#include "store/sqlite/connection.hpp"

#include <string>
#include <utility>

#include "store/sqlite/checkpointer.hpp"

namespace panier::store::sqlite {
namespace {

// The log is copied back into the file when a writer finds it this long (4 MiB of 4 KiB pages), by
// a checkpointer but for the last pages, or else by the writer ..
constexpr int log_pages_soft_max = 1'000;
// .. and if readers have kept it from starting again until here (64 MiB), the writer waits for them
// once.
constexpr int log_pages_hard_max = 16'000;

int shorten_log(void* checkpointer, sqlite3* database, const char* schema, int pages) {
  if (pages < log_pages_soft_max) return SQLITE_OK;
  const bool too_long = pages >= log_pages_hard_max;
  if (!too_long && checkpointer != nullptr &&
      !static_cast<Checkpointer*>(checkpointer)->nearly_done(pages))
    return SQLITE_OK;
  const int mode = too_long ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  // The transaction is committed whatever comes of this; the next one tries again.
  (void)sqlite3_wal_checkpoint_v2(database, schema, mode, nullptr, nullptr);
  return SQLITE_OK;
}

} // namespace

Result<bool> Statement::step() {
  if (code_ == SQLITE_OK) code_ = sqlite3_step(statement_);
  if (code_ == SQLITE_ROW) {
    code_ = SQLITE_OK;
    return true;
  }
  if (code_ == SQLITE_DONE) return false;
  return std::unexpected(connection_.failed(code_));
}

Result<void> Statement::run() {
  auto more = step();
  while (more && *more)
    more = step();
  if (!more) return std::unexpected(std::move(more.error()));
  return {};
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(bytes,
                                static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::span<const std::uint8_t> Statement::bytes(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return {bytes, bytes == nullptr
                     ? 0
                     : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file,
                                                     WhenAbsent absent,
                                                     std::chrono::milliseconds lock_wait) {
  // One thread at a time by contract, so SQLite's own mutexes are left out.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (absent == WhenAbsent::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  DatabaseHandle database(raw); // also set when it failed
  if (code != SQLITE_OK)
    return std::unexpected(
        to_error(code, Phase::before_commit, file.string() + ": " + sqlite3_errstr(code)));
  std::unique_ptr<Connection> connection(new Connection(std::move(database)));
  if (auto configured = connection->configure(lock_wait); !configured) {
    configured.error().detail.insert(0, file.string() + ": ");
    return std::unexpected(std::move(configured.error()));
  }
  return connection;
}

Result<void> Connection::configure(std::chrono::milliseconds lock_wait) {
  set_lock_wait(lock_wait);
  {
    auto mode =
        query("PRAGMA journal_mode=WAL"); // readers and the writer do not wait for each other
    auto row = mode.step();
    if (!row) return std::unexpected(std::move(row.error()));
    if (mode.text(0) != "wal")
      return fail(Errc::store_denied, "this file system cannot hold a write-ahead log");
  }
  // A commit is on the disk before it is answered. The cache is small: six connections stay under 6
  // MiB, and the kernel's own cache serves the rest.
  if (auto set = script(
          "PRAGMA synchronous=FULL; PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY;"
          "PRAGMA journal_size_limit=8388608"); // bytes that a log keeps after it grew longer
      !set)
    return set;
  sqlite3_wal_hook(database_.get(), &shorten_log, nullptr);
  return {};
}

sqlite3_stmt* Connection::prepare(const char* sql, int& code) {
  auto& cached = statements_[sql];
  if (cached) return cached.get();
  sqlite3_stmt* raw = nullptr;
  code = sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  cached.reset(raw);
  return raw;
}

Result<void> Connection::begin() {
  return query("BEGIN IMMEDIATE").run();
}

Result<void> Connection::begin_read() {
  return query("BEGIN").run();
}

Result<void> Connection::commit() {
  int code = SQLITE_OK;
  sqlite3_stmt* const statement = prepare("COMMIT", code);
  if (code == SQLITE_OK) {
    code = sqlite3_step(statement);
    sqlite3_reset(statement);
  }
  if (code == SQLITE_DONE) return {};
  auto error = failed(code, Phase::commit);
  rollback();
  return std::unexpected(std::move(error));
}

void Connection::rollback() noexcept {
  // Some errors have already rolled back.
  if (sqlite3_get_autocommit(database_.get()) != 0) return;
  if (sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr) != SQLITE_OK)
    broken_ = true;
}

Result<void> Connection::script(std::string_view sql) {
  const int code =
      sqlite3_exec(database_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(failed(code));
  return {};
}

void Connection::leave_log_to(Checkpointer& checkpointer) {
  checkpointer.attach();
  sqlite3_wal_hook(database_.get(), &shorten_log, &checkpointer);
}

Result<int> Connection::copy_log() {
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, &copied);
  if (code != SQLITE_OK) return std::unexpected(failed(code));
  return copied;
}

void Connection::set_lock_wait(std::chrono::milliseconds wait) {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(wait.count()));
}

Error Connection::failed(int code, Phase phase) {
  if (!survives(code)) broken_ = true;
  return to_error(code, phase, sqlite3_errmsg(database_.get()));
}

} // namespace panier::store::sqlite
