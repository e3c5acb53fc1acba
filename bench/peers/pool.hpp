// Threads with a store each, behind one queue: the usual connection pool of a blocking driver.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store.hpp"

namespace panier::bench {

class Pool {
public:
  // Called once; with nullptr, at once, when the queue is full.
  using Job = std::move_only_function<void(Store*)>;
  using Connect = std::function<std::unique_ptr<Store>()>;
  static constexpr std::size_t queue_max = 8'192; // as PANIER_QUEUE_MAX

  // Every store is connected before this returns.
  Pool(int threads, const Connect& connect);
  // What is queued is carried out first.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void submit(Job job);

private:
  void run(Store& store);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_; // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_

  std::vector<std::unique_ptr<Store>> stores_; // set once; each its thread's
  std::vector<std::thread> threads_;
};

} // namespace panier::bench
