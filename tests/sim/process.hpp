// One simulated process of the service: all of it but HTTP, the drivers and the threads, which are
// fibers here.
#pragma once

#include "plan.hpp"
#include "scheduler.hpp"
#include "service/live_cart_service.hpp"
#include "support/memory_ledger.hpp"
#include "support/memory_mirror.hpp"
#include "upkeep/probe.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::sim {

// Simulated steady time for all, and a wall clock that can be set.
class SimClock final : public runtime::Clock {
public:
  explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  [[nodiscard]] runtime::SteadyTime steady() const override;
  [[nodiscard]] runtime::WallTime wall() const override;
  void set(std::chrono::milliseconds skew) { skew_ = skew; }

private:
  const Scheduler& scheduler_;
  std::chrono::milliseconds skew_{0};
};

// What all runs share because it is costly to make and none of them looks at it.
[[nodiscard]] runtime::Metrics& shared_metrics();

// One process of the service.
class Process {
public:
  // What the processes of a run share; outlives them.
  struct Surroundings {
    Scheduler& scheduler;
    const Plan& plan;
    std::uint64_t seed;
    test::MemoryLedgerStore& ledger;
    test::MemoryMirrorStore& mirror;
    const bool& healing; // nothing goes wrong any more: upkeep keeps a steady pace
    // Told of what upkeep itself asks for; what it returns is told the answer.
    std::function<std::function<void(const Result<commit::Receipt>&)>(Scheduler::Group,
                                                                      const cart::Operation&)>
        upkeep_asks;
  };
  Process(const Surroundings& around, int slot, Scheduler::Group group);
  void start();
  // A stop as CommitPath's: nothing new is taken; then, once the time to drain is over, lanes and
  // reader end after what they are at, and what is left is answered.
  void close();
  void give_up() { given_up_ = true; }
  [[nodiscard]] bool ended() const { return running_ == 0; }
  void answer_rest() { path.queue().answer_rest(); }
  // The name in its lanes' rows.
  [[nodiscard]] std::string instance() const {
    return "i" + std::to_string(slot) + "-" + std::to_string(group);
  }

  const Surroundings around;
  const int slot;
  const Scheduler::Group group;
  SimClock clock;
  runtime::StoreState ledger_state;
  runtime::StoreState mirror_state;
  std::atomic<commit::Policy> policy;
  commit::CommitPath path;
  upkeep::Upkeep upkeep;
  upkeep::LedgerProbe ledger_probe;
  upkeep::MirrorProbe mirror_probe;
  service::LiveCartService service;

private:
  void wait(std::chrono::milliseconds time) const;
  void loop(const std::string& name, std::function<Time()> step);
  // One that ends when the process gives up.
  void worker(const std::string& name, std::function<Time()> step);

  bool given_up_ = false;
  int running_ = 0; // workers
};

} // namespace panier::sim
