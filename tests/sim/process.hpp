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
  };
  Process(const Surroundings& around, int slot, Scheduler::Group group);
  void start();
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
};

} // namespace panier::sim
