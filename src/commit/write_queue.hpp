// The bounded queue in front of a lane. Any thread pushes; the lane takes; expire_due() answers
// what is too old, also while the lane hangs in a driver call. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "commit/pending_write.hpp"

namespace panier::commit {

class WriteQueue {
public:
  explicit WriteQueue(std::size_t depth_max) : depth_max_(depth_max) {}

  // overloaded when full, shutting_down after close(). The queue keeps nothing then.
  [[nodiscard]] Result<void> push(PendingWritePtr write);

  // The oldest writes, at most `max`, in order of arrival; those answered meanwhile are left out.
  [[nodiscard]] std::vector<PendingWritePtr> take(std::size_t max);
  // Back to the front, in this order: they are older than what is queued.
  void put_back(std::vector<PendingWritePtr> writes);

  enum class Wake : std::uint8_t { work, timeout, closed };
  // Until something is queued, the time has come (nullopt: no limit), or close().
  Wake wait_until(std::optional<runtime::SteadyTime> until);
  // Returns at once from the next wait_until, as for queued work.
  void wake();

  // Answers every write whose deadline has passed, wherever it is: queued here or in the lane's
  // hands.
  void expire_due(runtime::SteadyTime now);

  // No further push. What is queued can still be taken.
  void close();
  // Answers all that is still unanswered: shutting_down what was only queued, outcome_unknown what
  // the lane holds.
  void answer_rest();

  [[nodiscard]] std::size_t depth() const; // pushed and not yet answered

private:
  const std::size_t depth_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // guarded by mutex_:
  std::deque<PendingWritePtr> queue_;
  std::vector<PendingWritePtr>
      unanswered_; // all pushed; the answered ones are swept out by expire_due()
  bool closed_ = false;
  bool woken_ = false;
};

} // namespace panier::commit
