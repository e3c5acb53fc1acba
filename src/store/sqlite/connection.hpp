// One connection to one SQLite file: opened in one place, with one cache of prepared statements,
// and one thread at a time. Private to this room.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "result/result.hpp"
#include "store/sqlite/errors.hpp"
#include "store/sqlite/handles.hpp"

namespace panier::store::sqlite {

class Connection;

struct Null {};

// A statement of the connection's cache while it is in use; one of each at a time. An error of
// preparing or binding comes out of the first step(). What is bound is copied; what is read lives
// until the next step.
class Statement {
public:
  template <class... Values>
  Statement(Connection& connection, sqlite3_stmt* statement, int code, const Values&... values)
      : connection_(connection), statement_(statement), code_(code) {
    if (statement_ != nullptr) (bound(bind(values)), ...);
  }
  // A statement that is not reset keeps its read transaction, and the log could never start again.
  ~Statement() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // true: there is a row; false: that was all.
  [[nodiscard]] Result<bool> step();
  // For what returns no rows.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] bool null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::span<const std::uint8_t> bytes(int column) const;

private:
  int bind(std::integral auto value) {
    return sqlite3_bind_int64(statement_, ++place_, static_cast<sqlite3_int64>(value));
  }
  int bind(std::string_view text) {
    return sqlite3_bind_text64(statement_, ++place_, text.data(), text.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  }
  int bind(std::span<const std::uint8_t> bytes) {
    return sqlite3_bind_blob64(statement_, ++place_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  }
  int bind(Null) { return sqlite3_bind_null(statement_, ++place_); }
  template <class Value>
  int bind(const std::optional<Value>& value) {
    return value ? bind(*value) : bind(Null{});
  }
  void bound(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }

  Connection& connection_;
  sqlite3_stmt* const statement_; // the cache's; null if it could not be prepared
  int code_;
  int place_ = 0;
};

class Checkpointer;

class Connection {
public:
  enum class WhenAbsent : std::uint8_t { create, refuse };
  [[nodiscard]] static Result<std::unique_ptr<Connection>>
  open(const std::filesystem::path& file, WhenAbsent absent, std::chrono::milliseconds lock_wait);

  // `sql` is a literal: the cache keeps it, one statement for each.
  template <class... Values>
  [[nodiscard]] Statement query(const char* sql, const Values&... values) {
    int code = SQLITE_OK;
    sqlite3_stmt* const prepared = prepare(sql, code);
    return Statement(*this, prepared, code, values...);
  }

  // BEGIN IMMEDIATE: the writer's lock now, within the lock wait, instead of a conflict in the
  // middle.
  [[nodiscard]] Result<void> begin();
  // A transaction that only reads: one snapshot, and one look at the log for all its statements.
  [[nodiscard]] Result<void> begin_read();
  // On error the transaction is gone.
  [[nodiscard]] Result<void> commit();
  void rollback() noexcept;
  // Several statements of a migration, not cached.
  [[nodiscard]] Result<void> script(std::string_view sql);

  void set_lock_wait(std::chrono::milliseconds wait);
  // This connection's writers leave most of the log's copying to it; it must outlive them.
  void leave_log_to(Checkpointer& checkpointer);
  // As much of the log as nobody needs any more, into the file; waits for nobody. Pages copied
  // since the log's start; store_conflict if somebody else copies.
  [[nodiscard]] Result<int> copy_log();
  // Rows that the last statement changed.
  [[nodiscard]] int changes() const { return sqlite3_changes(database_.get()); }
  // Did the last statement fail because a unique column has its value already?
  [[nodiscard]] bool last_was_duplicate() const {
    return sqlite3_extended_errcode(database_.get()) == SQLITE_CONSTRAINT_UNIQUE;
  }
  // After such an error the owner throws the connection away.
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] Error failed(int code, Phase phase = Phase::before_commit);

private:
  explicit Connection(DatabaseHandle database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> configure(std::chrono::milliseconds lock_wait);
  [[nodiscard]] sqlite3_stmt* prepare(const char* sql, int& code);

  DatabaseHandle database_;
  std::unordered_map<const char*, StatementHandle> statements_; // after database_: goes first
  bool broken_ = false;
};

} // namespace panier::store::sqlite
