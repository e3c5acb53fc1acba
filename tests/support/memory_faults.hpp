// How a test disturbs the in-memory stores: each call is counted, may run the test's own code first
// (advance a clock, let another lane act), and may fail, with or without its effect. Thread-safe.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "result/result.hpp"

namespace panier::test {

struct Fault {
  Error error;
  bool effect = false; // true: the call did its work, only the answer is lost
  // Of a commit or a bulk: neither done nor given up yet. The test decides later
  // (MemoryLedgerStore::decide_hanging, MemoryMirrorStore::deliver_late).
  bool hanging = false;
};

template <class Call>
class Faults {
public:
  // Called before each call, with no lock held; a returned fault is that call's.
  using Hook = std::function<std::optional<Fault>(Call)>;

  void on_call(Hook hook) {
    auto shared = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
    std::lock_guard lock(mutex_);
    hook_ = std::move(shared);
  }
  // Called wherever a real server would let others in: between two statements of a transaction,
  // between two writes of a bulk, and before an answer. With no lock held; a simulator switches to
  // another actor.
  void on_pause(std::function<void(Call)> hook) {
    std::lock_guard lock(mutex_);
    pause_ = std::move(hook);
  }
  // The next `times` calls of this kind fail.
  void fail_next(Call call, const Fault& fault, int times = 1) {
    std::lock_guard lock(mutex_);
    for (int i = 0; i < times; ++i)
      queued_[call].push_back(fault);
  }
  // From now on all calls fail like this, without effect; nullopt ends it.
  void down(std::optional<Error> error) {
    std::lock_guard lock(mutex_);
    down_ = std::move(error);
  }
  [[nodiscard]] int calls(Call call) const {
    std::lock_guard lock(mutex_);
    return counted_.at(static_cast<std::size_t>(call));
  }

  // For the stores.
  void pause(Call call) {
    std::function<void(Call)>* hook = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (pause_) hook = &pause_; // set before the first call, for good
    }
    if (hook) (*hook)(call);
  }
  // For the stores: what becomes of the call that begins now.
  [[nodiscard]] std::optional<Fault> begin(Call call) {
    std::shared_ptr<const Hook> hook;
    {
      std::lock_guard lock(mutex_);
      ++counted_.at(static_cast<std::size_t>(call));
      hook = hook_;
    }
    if (hook) {
      if (auto fault = (*hook)(call)) return fault;
    }
    std::lock_guard lock(mutex_);
    if (down_) return Fault{.error = *down_};
    const auto queue = queued_.find(call);
    if (queue == queued_.end() || queue->second.empty()) return std::nullopt;
    auto fault = std::move(queue->second.front());
    queue->second.pop_front();
    return fault;
  }

private:
  static constexpr std::size_t kinds_max = 32; // of calls
  mutable std::mutex mutex_;
  // guarded by mutex_:
  std::shared_ptr<const Hook> hook_;
  std::function<void(Call)> pause_;
  std::map<Call, std::deque<Fault>> queued_;
  std::array<int, kinds_max> counted_{};
  std::optional<Error> down_;
};

} // namespace panier::test
