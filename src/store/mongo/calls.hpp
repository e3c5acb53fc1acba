// A call with a deadline that holds whatever the driver does.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "result/result.hpp"
#include "store/mongo/worker.hpp"

namespace panier::store::mongo {

// Those whose job has ended; their threads are joined at once.
inline void drop_finished(std::vector<std::unique_ptr<Worker>>& workers) {
  std::erase_if(workers, [](auto& worker) { return worker->idle(); });
}

template <class T>
using Body = std::function<Result<T>(Session&, Ticket&)>;

// Calls of one mirror that were given up and whose threads still end. More are never started.
inline constexpr std::size_t given_up_max = 2;

// Makes the calls of one mirror, one at a time, on a thread of its own, and leaves those that take
// too long.
class Calls {
public:
  Calls(std::shared_ptr<Pool> pool, std::chrono::milliseconds timeout_limit)
      : pool_(std::move(pool)), timeout_limit_(timeout_limit) {}

  // `body` owns what it uses: it may go on when this has returned.
  template <class T>
  Result<T> run(std::chrono::milliseconds timeout, Body<T> body) {
    const auto bounded = std::clamp(timeout, std::chrono::milliseconds(1), timeout_limit_);
    const runtime::SteadyTime deadline = std::chrono::steady_clock::now() + bounded;
    try {
      if (!find_worker(deadline))
        return fail(Errc::store_unreachable, "earlier calls still wait for the server");
    } catch (const std::system_error& error) { // no thread to be had
      return fail(Errc::store_unreachable, error.what());
    }

    struct Shared {
      explicit Shared(runtime::SteadyTime at) : ticket(at) {}
      Ticket ticket;
      Result<T> result = fail(Errc::internal);
    };
    auto shared = std::make_shared<Shared>(deadline);
    const bool done = worker_->run(
        [shared, body = std::move(body)](Session& session) {
          try {
            shared->result = body(session, shared->ticket);
          } catch (const std::exception& error) { // out of memory
            shared->result = fail(Errc::internal, error.what());
          }
        },
        deadline);
    if (done) return std::move(shared->result);
    given_up_.push_back(std::move(worker_));
    const bool sent = shared->ticket.leave();
    return fail(sent ? Errc::store_timeout : Errc::store_unreachable,
                (sent ? "no answer within " : "not connected within ") +
                    std::to_string(bounded.count()) + " ms");
  }

  [[nodiscard]] std::vector<std::unique_ptr<Worker>> release() { return std::move(given_up_); }

private:
  bool find_worker(runtime::SteadyTime deadline) {
    drop_finished(given_up_);
    if (worker_) return true;
    if (given_up_.size() >= given_up_max) {
      if (!given_up_.front()->wait_idle(deadline)) return false;
      given_up_.erase(given_up_.begin());
    }
    worker_ = std::make_unique<Worker>(pool_);
    return true;
  }

  const std::shared_ptr<Pool> pool_;
  const std::chrono::milliseconds timeout_limit_;
  std::unique_ptr<Worker> worker_;
  std::vector<std::unique_ptr<Worker>> given_up_; // at most given_up_max
};

} // namespace panier::store::mongo
