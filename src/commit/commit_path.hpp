// The commit path as a whole: the lanes and the reader with their threads, behind submit() and
// read().
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "commit/lane.hpp"
#include "commit/reader.hpp"

namespace panier::commit {

// From the kernel's random numbers and the wall clock.
[[nodiscard]] std::unique_ptr<IdSource> system_ids(const runtime::Clock& clock);

class CommitPath {
public:
  struct Settings {
    std::string instance;         // fresh for every process
    int lanes = 1;                // 1-64
    std::size_t queue_max = 8192; // unanswered writes times the lanes, and reads
    std::function<std::unique_ptr<IdSource>(const runtime::Clock&)> ids = system_ids; // a lane's
  };
  // Everything passed in outlives the path. `mirror` is nullptr for PANIER_MIRROR=none.
  CommitPath(Settings settings, LaneShared shared, LedgerStore& ledger, MirrorStore* mirror);
  ~CommitPath();
  CommitPath(const CommitPath&) = delete;
  CommitPath& operator=(const CommitPath&) = delete;

  void start();
  // No further writes; what is queued is carried out and settled, but no longer than `drain`. Then
  // lanes stop at their next step: a driver call that hangs ends by its own timeout. Everything
  // left is answered.
  void stop(std::chrono::milliseconds drain);

  // Both answer exactly once, on any thread.
  void submit(WriteRequest request, WriteDone done);
  void read(UserId user, ReadDone done) { reader_.submit(std::move(user), std::move(done)); }

  // What the threads of start() do, a step at a time: for a simulator, which has none.
  [[nodiscard]] Lane& lane(std::size_t index) { return *lanes_[index]; }
  [[nodiscard]] WriteQueue& queue() { return queue_; }
  [[nodiscard]] Reader& reader() { return reader_; }
  void expire_due(); // answers every write whose deadline has passed

private:
  void keep_deadlines(const std::stop_token& stop);

  // set once
  const Settings settings_;
  const LaneShared shared_;
  const bool mirrored_;
  std::vector<std::unique_ptr<IdSource>> ids_;
  WriteQueue queue_;
  Quarantine quarantine_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Reader reader_;

  std::atomic<bool> give_up_{false};
  std::atomic<int> running_{0};
  std::vector<std::thread> threads_; // the thread that starts and stops
  std::jthread deadlines_;
};

} // namespace panier::commit
