#include "commit/write_queue.hpp"

namespace panier::commit {
namespace {

void sweep_answered(std::vector<PendingWritePtr>& writes) {
  std::erase_if(writes, [](const PendingWritePtr& write) { return write->answered(); });
}

} // namespace

Result<void> WriteQueue::push(PendingWritePtr write) {
  std::lock_guard lock(mutex_);
  if (closed_) return fail(Errc::shutting_down);
  if (unanswered_.size() >= depth_max_) sweep_answered(unanswered_);
  if (unanswered_.size() >= depth_max_) return fail(Errc::overloaded, "the write queue is full");
  unanswered_.push_back(write);
  const auto holder = holders_.find(write->user());
  if (holder != holders_.end()) {
    auto& lane = lanes_[holder->second];
    lane.queue.push_back(std::move(write));
    if (lane.waiting) lane.changed.notify_one();
    return {};
  }
  queue_.push_back(std::move(write));
  call_one();
  return {};
}

// Not a lane for each write: the one that comes takes all that have queued by then.
void WriteQueue::call_one() {
  if (!called_) {
    const auto free = std::ranges::find_if(lanes_, &Lane::waiting);
    if (free == lanes_.end()) return; // whoever ends its round first
    called_ = static_cast<LaneIndex>(free - lanes_.begin());
  } else if (queue_.size() > 1 && few()) {
    return; // it knows, and waits for more
  }
  lanes_[*called_].changed.notify_one();
}

// Fewer than the lanes at work have taken, on average?
bool WriteQueue::few() const {
  std::size_t lanes = 0;
  std::size_t operations = 0;
  for (const auto& lane : lanes_) {
    if (lane.waiting || lane.taken == 0) continue;
    ++lanes;
    operations += lane.taken;
  }
  return queue_.size() * lanes < operations;
}

std::vector<PendingWritePtr> WriteQueue::take(LaneIndex lane, std::vector<UserId> in_hand,
                                              Room room, runtime::SteadyTime now) {
  std::vector<PendingWritePtr> taken;
  std::lock_guard lock(mutex_);
  auto& mine = lanes_[lane];
  for (const auto& user : mine.carts)
    holders_.erase(user);
  mine.carts = std::move(in_hand);
  std::erase_if(mine.carts,
                [&](const UserId& user) { return !holders_.try_emplace(user, lane).second; });
  taken.reserve(std::min(room.operations, mine.queue.size() + queue_.size()));
  take_from(mine.queue, lane, room, now, taken);
  for (const auto& write : mine.queue) { // what did not fit comes before later writes of its cart
    if (holders_.try_emplace(write->user(), lane).second) mine.carts.push_back(write->user());
  }
  take_from(queue_, lane, room, now, taken);
  mine.taken = taken.size();
  if (called_ == lane) called_.reset();
  if (!queue_.empty()) call_one();
  return taken;
}

void WriteQueue::take_from(std::deque<PendingWritePtr>& queue, LaneIndex lane, Room& room,
                           runtime::SteadyTime now, std::vector<PendingWritePtr>& taken) {
  while (!queue.empty() && taken.size() < room.operations) {
    auto& write = queue.front();
    const auto holder = holders_.find(write->user());
    if (holder == holders_.end() && room.carts == 0) return;
    if (holder != holders_.end() && holder->second != lane) {
      auto& other = lanes_[holder->second];
      other.queue.push_back(std::move(write));
      if (other.waiting) other.changed.notify_one();
    } else if (write->take(now)) {
      if (holder == holders_.end()) {
        holders_.emplace(write->user(), lane);
        lanes_[lane].carts.push_back(write->user());
        --room.carts;
      }
      taken.push_back(std::move(write));
    }
    queue.pop_front();
  }
}

void WriteQueue::put_back(LaneIndex lane, std::vector<PendingWritePtr> writes) {
  std::lock_guard lock(mutex_);
  for (auto& write : writes)
    write->give_back();
  auto& queue = lanes_[lane].queue;
  queue.insert(queue.begin(), std::make_move_iterator(writes.begin()),
               std::make_move_iterator(writes.end()));
}

WriteQueue::Wake WriteQueue::wait_until(LaneIndex lane, runtime::SteadyTime until) {
  std::unique_lock lock(mutex_);
  auto& mine = lanes_[lane];
  const auto own = [&] { return !mine.queue.empty() || mine.woken || closed_; };
  // Whoever was called comes, even if another was faster: only take() ends the call.
  const auto common = [&] { return !queue_.empty() && (!called_ || called_ == lane); };
  mine.waiting = true;
  bool in_time = true;
  while (in_time && !own()) {
    in_time = mine.changed.wait_until(lock, until, [&] { return own() || common(); });
    if (!in_time || own()) break;
    called_ = lane;
    // The lanes at work may come back first and take what is there.
    mine.changed.wait_for(lock, patience_, [&] { return own() || queue_.empty() || !few(); });
    if (!queue_.empty()) break;
  }
  mine.waiting = mine.woken = false;
  if (!in_time) return Wake::timeout;
  return closed_ && mine.queue.empty() && queue_.empty() ? Wake::closed : Wake::work;
}

void WriteQueue::wake() {
  std::lock_guard lock(mutex_);
  for (auto& lane : lanes_) {
    lane.woken = true;
    lane.changed.notify_one();
  }
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
  std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto& lane : lanes_)
    lane.changed.notify_one();
}

void WriteQueue::answer_rest() {
  std::vector<PendingWritePtr> rest;
  {
    std::lock_guard lock(mutex_);
    rest.swap(unanswered_);
    queue_.clear();
    for (auto& lane : lanes_)
      lane.queue.clear();
  }
  for (const auto& write : rest)
    write->abandon();
}

std::size_t WriteQueue::depth() const {
  std::lock_guard lock(mutex_);
  return unanswered_.size();
}

} // namespace panier::commit
