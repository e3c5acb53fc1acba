// A thread that makes driver calls for one mirror, so that a caller waits exactly as long as it
// wants to.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/clock.hpp"
#include "store/mongo/session.hpp"

namespace panier::store::mongo {

class Worker {
public:
  using Job = std::move_only_function<void(Session&)>;

  explicit Worker(std::shared_ptr<Pool> pool);
  // Waits for the job that was given up, if there is one: at most a few Settings::timeout.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // One caller, one job at a time. False: not done by the deadline, and the job still uses whatever
  // it owns.
  [[nodiscard]] bool run(Job job, runtime::SteadyTime deadline);
  [[nodiscard]] bool wait_idle(runtime::SteadyTime deadline);
  [[nodiscard]] bool idle();

private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_; // for the thread
  std::condition_variable idle_; // for the caller
  Job job_;                      // guarded by mutex_; empty: idle
  bool busy_ = false;            // guarded by mutex_
  bool stopping_ = false;        // guarded by mutex_
  Session session_;              // of the thread
  std::thread thread_;           // last: it uses all of the above
};

} // namespace panier::store::mongo
