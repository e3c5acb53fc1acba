// A connection whose users take turns. SQLite drops a connection's page cache when another one has
// written, so lanes with a connection each would read every page anew. Private to this room.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "store/sqlite/checkpointer.hpp"
#include "store/sqlite/connection.hpp"

namespace panier::store::sqlite {

// Thread-safe.
class SharedConnection {
public:
  // With a checkpointer if it is for writers under load: for lanes.
  explicit SharedConnection(std::unique_ptr<Checkpointer> checkpointer = nullptr)
      : checkpointer_(std::move(checkpointer)) {}

  // The connection is the holder's until this goes, on the thread that took it.
  class Turn {
  public:
    Turn(std::unique_lock<std::timed_mutex> lock, Connection& connection)
        : lock_(std::move(lock)), connection_(&connection) {}
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_; }

  private:
    std::unique_lock<std::timed_mutex> lock_;
    Connection* connection_;
  };

  // Waits for the others at most so long, then store_conflict, as SQLite says of its own lock.
  // `make` makes the connection when there is none, or the last one broke.
  template <class Make>
  [[nodiscard]] Result<Turn> take(std::chrono::milliseconds wait, const Make& make) {
    std::unique_lock lock(turns_, wait);
    if (!lock) return fail(Errc::store_conflict, "another lane keeps the connection");
    if (!connection_ || connection_->broken()) {
      connection_.reset();
      auto made = make();
      if (!made) return std::unexpected(std::move(made.error()));
      connection_ = std::move(*made);
      if (checkpointer_) connection_->leave_log_to(*checkpointer_);
    }
    return Turn(std::move(lock), *connection_);
  }

private:
  const std::unique_ptr<Checkpointer> checkpointer_;
  std::timed_mutex turns_;
  std::unique_ptr<Connection> connection_; // guarded by turns_
};

} // namespace panier::store::sqlite
