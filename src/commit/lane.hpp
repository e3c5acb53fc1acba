// A lane: one thread's work with one connection to each store. run_once() carries one round out and
// takes no decision; those are in protocol.hpp. The loop that calls it is run(); tests and the
// simulator call run_once() by hand.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_set>

#include "commit/parking.hpp"
#include "commit/protocol.hpp"
#include "commit/quarantine.hpp"
#include "commit/write_queue.hpp"
#include "runtime/metrics.hpp"
#include "runtime/store_state.hpp"

namespace panier::commit {

// What all lanes of a process share. Everything outlives the lanes.
struct LaneShared {
  const runtime::Clock& clock;
  runtime::Metrics& metrics;
  runtime::StoreState& ledger_state;
  runtime::StoreState& mirror_state;
  std::atomic<Policy>& policy;
  Timing timing;
  cart::Limits limits;
  // Between two questions for the fate of a COMMIT; a test moves its clock instead.
  std::function<void(std::chrono::milliseconds)> wait = [](std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
  };
};

class Lane {
public:
  // `mirror` is nullptr for PANIER_MIRROR=none. The key's number is the lane's place in `queue`.
  Lane(LaneKey key, const LaneShared& shared, std::unique_ptr<Ledger> ledger,
       std::unique_ptr<Mirror> mirror, IdSource& ids, WriteQueue& queue, Quarantine& quarantine);

  enum class Did : std::uint8_t {
    nothing, // no work
    worked,  // a round was committed; there may be more
    again,   // a conflict, or a stranger's list was in the way: run again soon
    waiting, // the ledger does not answer: run again after store_retry
  };
  [[nodiscard]] Did run_once();

  // Runs rounds until the queue is closed and everything is settled, or `give_up` is set.
  void run(const std::atomic<bool>& give_up);

private:
  [[nodiscard]] std::vector<PendingWritePtr> collect();
  // What no other lane can do anything for now: outstanding, parked, or due again.
  [[nodiscard]] std::vector<UserId> in_hand(const std::unordered_set<UserId>& due) const;
  [[nodiscard]] bool refused(PendingWrite& write, Policy policy); // and answered
  [[nodiscard]] Did open_failed(std::vector<PendingWritePtr> writes, const Error& error);
  [[nodiscard]] Did abort_stranger(std::vector<PendingWritePtr> writes, const LaneRow& row);
  [[nodiscard]] Did commit_failed(std::vector<PendingWritePtr> writes, Round round,
                                  const Error& error);
  [[nodiscard]] Did commit_rejected(std::vector<PendingWritePtr> writes, Round round,
                                    const Error& error);
  void look_whether_locked_out(const Error& error);
  [[nodiscard]] Did find_out(std::vector<PendingWritePtr> writes, Round round, const Error& error);
  void committed(const Round& round, std::chrono::nanoseconds took);
  void took_effect(Round round);
  void mirror();
  void count_quarantined();
  void reply(std::vector<Reply> replies);
  void tell(const std::vector<Notice>& notices);
  [[nodiscard]] runtime::SteadyTime next_beat() const;
  [[nodiscard]] runtime::SteadyTime next_wake() const;

  // set once
  const LaneShared shared_;
  const std::unique_ptr<Ledger> ledger_;
  const std::unique_ptr<Mirror> mirror_;
  IdSource& ids_;
  WriteQueue& queue_;      // thread-safe
  Quarantine& quarantine_; // thread-safe
  const WriteQueue::LaneIndex index_;

  // the lane's thread alone
  Protocol protocol_;
  Parking parking_;
  runtime::SteadyTime last_beat_{};
  bool closing_ = false;        // no more writes come
  runtime::SteadyTime began_{}; // the round
  int uncommitted_ = 0;         // COMMITs in a row that were not answered and did not happen
  std::optional<runtime::SteadyTime> locked_since_; // every transaction since then met a lock
  const std::atomic<bool>* give_up_ = nullptr;
};

} // namespace panier::commit
