#include "store/mongo/worker.hpp"

#include <utility>

#include "runtime/this_thread.hpp"

namespace panier::store::mongo {

Worker::Worker(std::shared_ptr<Pool> pool)
    : session_(std::move(pool)), thread_([this] { loop(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Worker::run(Job job, runtime::SteadyTime deadline) {
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
    busy_ = true;
  }
  wake_.notify_one();
  return wait_idle(deadline);
}

bool Worker::wait_idle(runtime::SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, deadline, [this] { return !busy_; });
}

bool Worker::idle() {
  const std::lock_guard lock(mutex_);
  return !busy_;
}

void Worker::loop() {
  runtime::block_all_signals(); // the driver's own threads inherit both from us
  runtime::name_this_thread("mongo");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return job_ || stopping_; });
    if (!job_) return;
    Job job = std::exchange(job_, nullptr);
    lock.unlock();
    job(session_);
    job = nullptr; // what it owns goes while nobody waits for the lock
    lock.lock();
    busy_ = false;
    idle_.notify_one();
  }
}

} // namespace panier::store::mongo
