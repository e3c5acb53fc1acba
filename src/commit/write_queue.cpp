#include "commit/write_queue.hpp"

namespace panier::commit {
namespace {

void sweep_answered(std::vector<PendingWritePtr>& writes) {
  std::erase_if(writes, [](const PendingWritePtr& write) { return write->answered(); });
}

} // namespace

Result<void> WriteQueue::push(PendingWritePtr write) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return fail(Errc::shutting_down);
    if (unanswered_.size() >= depth_max_) sweep_answered(unanswered_);
    if (unanswered_.size() >= depth_max_) return fail(Errc::overloaded, "the lane's queue is full");
    unanswered_.push_back(write);
    queue_.push_back(std::move(write));
  }
  changed_.notify_one();
  return {};
}

std::vector<PendingWritePtr> WriteQueue::take(std::size_t max) {
  std::vector<PendingWritePtr> taken;
  std::lock_guard lock(mutex_);
  taken.reserve(std::min(max, queue_.size()));
  while (!queue_.empty() && taken.size() < max) {
    if (queue_.front()->take()) taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return taken;
}

void WriteQueue::put_back(std::vector<PendingWritePtr> writes) {
  std::lock_guard lock(mutex_);
  for (auto& write : writes)
    write->give_back();
  queue_.insert(queue_.begin(), std::make_move_iterator(writes.begin()),
                std::make_move_iterator(writes.end()));
}

WriteQueue::Wake WriteQueue::wait_until(std::optional<runtime::SteadyTime> until) {
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return !queue_.empty() || closed_ || woken_; };
  const bool in_time =
      until ? changed_.wait_until(lock, *until, ready) : (changed_.wait(lock, ready), true);
  woken_ = false;
  if (!in_time) return Wake::timeout;
  return closed_ && queue_.empty() ? Wake::closed : Wake::work;
}

void WriteQueue::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void WriteQueue::expire_due(runtime::SteadyTime now) {
  std::vector<PendingWritePtr> due;
  {
    std::lock_guard lock(mutex_);
    sweep_answered(unanswered_);
    for (const auto& write : unanswered_) {
      if (write->deadline() <= now) due.push_back(write);
    }
  }
  for (const auto& write : due)
    write->expire(); // outside the lock: it calls the client's code
}

void WriteQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

void WriteQueue::answer_rest() {
  std::vector<PendingWritePtr> rest;
  {
    std::lock_guard lock(mutex_);
    rest.swap(unanswered_);
    queue_.clear();
  }
  for (const auto& write : rest)
    write->abandon();
}

std::size_t WriteQueue::depth() const {
  std::lock_guard lock(mutex_);
  return unanswered_.size();
}

} // namespace panier::commit
