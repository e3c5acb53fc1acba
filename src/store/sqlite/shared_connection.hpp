// A connection whose users take turns. SQLite drops a connection's page cache when another one has
// written, so lanes with a connection each would read every page anew. Private to this room.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
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

  // The connection is the holder's until this goes.
  class Turn {
  public:
    explicit Turn(SharedConnection& shared) : shared_(&shared) {}
    Connection& operator*() const { return *shared_->connection_; }
    Connection* operator->() const { return shared_->connection_.get(); }

  private:
    struct GiveBack {
      void operator()(SharedConnection* shared) const { shared->give_back(); }
    };
    std::unique_ptr<SharedConnection, GiveBack> shared_;
  };

  // In the order of asking, so that nobody who asks again at once keeps it for himself. Waits at
  // most so long, then store_conflict, as SQLite says of its own lock.
  // `make` makes the connection when there is none, or the last one broke.
  template <class Make>
  [[nodiscard]] Result<Turn> take(std::chrono::milliseconds wait, const Make& make) {
    std::unique_lock lock(mutex_);
    const auto ticket = next_ticket_++;
    waiting_.push_back(ticket);
    const bool mine =
        free_.wait_for(lock, wait, [&] { return !taken_ && waiting_.front() == ticket; });
    std::erase(waiting_, ticket);
    if (!mine) {
      free_.notify_all(); // whoever is first now
      return fail(Errc::store_conflict, "other lanes keep the connection");
    }
    taken_ = true;
    lock.unlock();
    Turn turn(*this);
    if (!connection_ || connection_->broken()) {
      connection_.reset();
      auto made = make();
      if (!made) return std::unexpected(std::move(made.error()));
      connection_ = std::move(*made);
      if (checkpointer_) connection_->leave_log_to(*checkpointer_);
    }
    return turn;
  }

  // How many wait. For tests.
  [[nodiscard]] std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

private:
  void give_back() {
    {
      const std::lock_guard lock(mutex_);
      taken_ = false;
    }
    free_.notify_all(); // only the first of them goes on, and they are no more than the lanes
  }

  const std::unique_ptr<Checkpointer> checkpointer_;
  std::mutex mutex_; // no timed_mutex: GCC 12's thread sanitizer does not see its waits
  std::condition_variable free_;
  // guarded by mutex_
  bool taken_ = false;
  std::uint64_t next_ticket_ = 0;
  std::deque<std::uint64_t> waiting_; // tickets, the first to ask first

  std::unique_ptr<Connection> connection_; // the holder's
};

} // namespace panier::store::sqlite
