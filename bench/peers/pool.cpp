#include "pool.hpp"

namespace panier::bench {

Pool::Pool(int threads, const Connect& connect) {
  for (int i = 0; i < threads; ++i)
    stores_.push_back(connect());
  for (const auto& store : stores_)
    threads_.emplace_back([this, &store] { run(*store); });
}

Pool::~Pool() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void Pool::submit(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.size() < queue_max) queue_.push_back(std::exchange(job, nullptr));
  }
  if (job) return job(nullptr);
  changed_.notify_one();
}

void Pool::run(Store& store) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job(&store);
    lock.lock();
  }
}

} // namespace panier::bench
