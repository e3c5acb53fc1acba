// One write between its arrival and its answer. Answered exactly once, by construction: whoever
// moves the stage to `answered` calls `done`, nobody else can; a write that is dropped unanswered
// is answered by its destructor.
#pragma once

#include <atomic>
#include <memory>

#include "commit/receipt.hpp"
#include "runtime/clock.hpp"

namespace panier::commit {

class PendingWrite {
public:
  PendingWrite(WriteRequest request, runtime::SteadyTime deadline, WriteDone done)
      : request_(std::move(request)), deadline_(deadline), done_(std::move(done)) {}
  ~PendingWrite() { answer(fail(Errc::shutting_down, "dropped without an answer")); }
  PendingWrite(const PendingWrite&) = delete;
  PendingWrite& operator=(const PendingWrite&) = delete;

  [[nodiscard]] const WriteRequest& request() const { return request_; }
  [[nodiscard]] const UserId& user() const { return request_.operation.user; }
  [[nodiscard]] runtime::SteadyTime deadline() const { return deadline_; }

  // The lane starts to work on it. false: it has been answered meanwhile (its deadline passed);
  // drop it.
  [[nodiscard]] bool take() {
    return move(Stage::queued, Stage::taken) || move(Stage::parked, Stage::taken);
  }
  // The same; but one whose deadline is over by then stays as it is, for the lane to expire: who
  // expires it meanwhile must not find it undecided.
  [[nodiscard]] bool take(runtime::SteadyTime now) {
    return deadline_ > now ? take() : !answered();
  }
  // The lane gives it back: certainly nothing was done.
  void give_back() { move(Stage::taken, Stage::queued); }
  // The same, because somebody else holds the cart.
  void park() { move(Stage::taken, Stage::parked); }

  // false: somebody else has answered.
  bool answer(Result<Receipt> result) {
    if (stage_.exchange(Stage::answered) == Stage::answered) return false;
    done_(std::move(result));
    return true;
  }
  [[nodiscard]] bool answered() const { return stage_.load() == Stage::answered; }

  // The deadline has passed. What was only queued certainly was not done; of what a lane holds
  // nobody knows yet.
  void expire() { end("deadline passed", Errc::overloaded); }
  // The same when the process stops.
  void abandon() { end("the service stops", Errc::shutting_down); }

private:
  enum class Stage : std::uint8_t { queued, parked, taken, answered };
  void end(const char* why, Errc when_queued) {
    switch (stage_.exchange(Stage::answered)) {
    case Stage::answered: return;
    case Stage::queued: return done_(fail(when_queued, std::string(why) + " in the queue"));
    case Stage::parked: return done_(fail(Errc::cart_busy, std::string(why) + " while parked"));
    case Stage::taken:
      return done_(fail(Errc::outcome_unknown, std::string(why) + " while undecided"));
    }
  }
  bool move(Stage from, Stage to) { return stage_.compare_exchange_strong(from, to); }

  const WriteRequest request_;
  const runtime::SteadyTime deadline_;
  WriteDone done_; // called by whoever moved the stage to answered
  std::atomic<Stage> stage_{Stage::queued};
};

using PendingWritePtr = std::shared_ptr<PendingWrite>;

} // namespace panier::commit
