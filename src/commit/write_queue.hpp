// The bounded queue in front of a process's lanes. A lane takes what is oldest, unless another lane
// has that cart in hand: then the write goes to that one, which can fold it, where any other would
// only park it. That is for speed alone: what keeps two lanes off one cart is the ledger. For speed
// alone, too, an idle lane does not snatch the first of many: while others are at work it waits a
// moment for as many writes as one of them has taken.
// Any thread pushes; expire_due() answers what is too old, also while a lane hangs in a driver
// call. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "commit/limits.hpp"
#include "commit/pending_write.hpp"

namespace panier::commit {

class WriteQueue {
public:
  using LaneIndex = std::size_t; // below `lanes`

  // `depth_max`: writes that are not answered yet. `patience`: how long a few wait for more.
  WriteQueue(std::size_t lanes, std::size_t depth_max,
             std::chrono::milliseconds patience = company_patience)
      : depth_max_(depth_max), patience_(patience), lanes_(lanes) {}

  // overloaded when full, shutting_down after close(). The queue keeps nothing then.
  [[nodiscard]] Result<void> push(PendingWritePtr write);

  // For the lane's next round: the oldest writes, a cart's in order of arrival; those answered
  // meanwhile are left out, those whose deadline is over by `now` are given to be expired.
  // `in_hand`: the carts that the lane has outstanding or parked; with those of the writes taken
  // they are its own until its next take().
  struct Room {
    std::size_t operations;
    std::size_t carts; // beside those in hand
  };
  [[nodiscard]] std::vector<PendingWritePtr> take(LaneIndex lane, std::vector<UserId> in_hand,
                                                  Room room, runtime::SteadyTime now);
  // Back to the front, in this order: they are older than what is queued.
  void put_back(LaneIndex lane, std::vector<PendingWritePtr> writes);

  enum class Wake : std::uint8_t { work, timeout, closed };
  // Until there is enough for this lane, the time has come (or `patience` later), or close().
  Wake wait_until(LaneIndex lane, runtime::SteadyTime until);
  // All lanes return at once from their next wait_until, as for queued work.
  void wake();

  // Answers every write whose deadline has passed, wherever it is: queued here or in a lane's
  // hands.
  void expire_due(runtime::SteadyTime now);

  // No further push. What is queued can still be taken.
  void close();
  // Answers all that is still unanswered: shutting_down what was only queued, outcome_unknown what
  // a lane holds.
  void answer_rest();

  [[nodiscard]] std::size_t depth() const; // pushed and not yet answered

private:
  struct Lane {
    std::deque<PendingWritePtr> queue; // of carts it has in hand, and what it put back
    std::vector<UserId> carts;         // in hand
    std::size_t taken = 0;             // operations, at its last take()
    std::condition_variable changed;
    bool waiting = false;
    bool woken = false;
  };
  void take_from(std::deque<PendingWritePtr>& queue, LaneIndex lane, Room& room,
                 runtime::SteadyTime now, std::vector<PendingWritePtr>& taken);
  void call_one();
  [[nodiscard]] bool few() const;

  const std::size_t depth_max_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  // guarded by mutex_:
  std::vector<Lane> lanes_;
  std::deque<PendingWritePtr> queue_; // for any lane
  std::unordered_map<UserId, LaneIndex> holders_;
  std::optional<LaneIndex> called_; // woken for queue_ and not there yet: one at a time
  std::vector<PendingWritePtr>
      unanswered_; // all pushed; the answered ones are swept out by expire_due()
  bool closed_ = false;
};

} // namespace panier::commit
