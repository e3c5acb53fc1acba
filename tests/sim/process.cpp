#include "process.hpp"

#include <array>

namespace panier::sim {
namespace {

using namespace std::chrono_literals;

// Tokens and ids that no two lanes of a run share.
class SimIds final : public commit::IdSource {
public:
  explicit SimIds(std::uint64_t seed) : dice_(seed) {}
  commit::Token token() override { return commit::Token(bytes<16>()); }
  commit::CartId cart_id() override { return commit::CartId(bytes<12>()); }

private:
  template <std::size_t N>
  std::array<std::uint8_t, N> bytes() {
    std::array<std::uint8_t, N> all{};
    for (std::size_t i = 0; i < N; i += 4) {
      const auto word = dice_.next();
      for (std::size_t j = 0; j < 4; ++j)
        all[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
    return all;
  }
  Dice dice_;
};

// Shared as the metrics are.
runtime::FailureLog& failure_log() {
  static const runtime::SystemClock clock;
  static runtime::FailureLog log("/dev/null", clock);
  return log;
}

} // namespace

runtime::Metrics& shared_metrics() {
  static const runtime::SystemClock clock;
  static runtime::Metrics metrics("sim", clock);
  return metrics;
}

runtime::SteadyTime SimClock::steady() const {
  return runtime::SteadyTime(1h + scheduler_.now());
}

runtime::WallTime SimClock::wall() const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now());
  return runtime::WallTime(1'764'000'000'000ms + since + skew_);
}

Process::Process(const Surroundings& surroundings, int the_slot, Scheduler::Group the_group)
    : around(surroundings), slot(the_slot), group(the_group), clock(around.scheduler),
      ledger_state("memory_ledger", clock), mirror_state("memory_mirror", clock),
      policy(around.plan.policy),
      path({.instance = instance(),
            .lanes = around.plan.lanes,
            .queue_max = around.plan.queue_max,
            .ids =
                [this, lane = 0](const runtime::Clock&) mutable {
                  return std::make_unique<SimIds>(around.seed * 1000 +
                                                  static_cast<std::uint64_t>(group * 10 + lane++));
                }},
           {.clock = clock,
            .metrics = shared_metrics(),
            .ledger_state = ledger_state,
            .mirror_state = mirror_state,
            .policy = policy,
            .timing = around.plan.timing,
            .limits = {},
            .wait = [this](std::chrono::milliseconds time) { wait(time); }},
           around.ledger, &around.mirror),
      upkeep({.clock = clock,
              .metrics = shared_metrics(),
              .ledger_state = ledger_state,
              .mirror_state = mirror_state,
              .ledger = around.ledger.connect(),
              .mirror = around.mirror.connect(),
              .ids = std::make_unique<SimIds>(around.seed * 1000 +
                                              static_cast<std::uint64_t>(group * 10 + 9)),
              .mirror_timeout = around.plan.timing.mirror_timeout,
              .reservation_ttl = around.plan.timing.reservation_ttl},
             {.keep = around.plan.keep,
              .cart_ttl = around.plan.cart_ttl,
              .verify_rows_per_s = around.plan.verify ? 100 : 0,
              .wait = [this](std::chrono::milliseconds time) { wait(time); }},
             [this](commit::WriteRequest request, commit::WriteDone done) {
               auto heard = around.upkeep_asks(group, request.operation);
               path.submit(std::move(request), [heard = std::move(heard), done = std::move(done)](
                                                   Result<commit::Receipt> answer) mutable {
                 heard(answer);
                 done(std::move(answer));
               });
             }),
      ledger_probe(clock, around.ledger, ledger_state, around.plan.prepared, &around.mirror),
      mirror_probe(clock, around.mirror, mirror_state, around.plan.timing.mirror_timeout),
      service({.clock = clock,
               .path = path,
               .ledger_state = ledger_state,
               .mirror_state = &mirror_state,
               .policy = policy,
               .failures = failure_log(),
               .articles = nullptr,
               .unknown_stock = {},
               .request_timeout = around.plan.timing.request_timeout,
               .lag = [this] { return upkeep.lag(); },
               .instance = instance(),
               .version = "sim"}) {}

void Process::wait(std::chrono::milliseconds time) const {
  around.scheduler.sleep(time);
}

// An actor that takes one step after another; `step` says how long it then has nothing to do.
void Process::loop(const std::string& name, std::function<Time()> step) {
  around.scheduler.spawn(group, instance() + "." + name, [this, step = std::move(step)] {
    while (around.scheduler.rest(step())) {
    }
  });
}

void Process::worker(const std::string& name, std::function<Time()> step) {
  ++running_;
  around.scheduler.spawn(group, instance() + "." + name, [this, step = std::move(step)] {
    while (around.scheduler.rest(step())) {
      if (!given_up_) continue;
      --running_;
      return;
    }
  });
}

void Process::close() {
  path.queue().close();
  path.reader().close();
}

void Process::start() {
  for (int i = 0; i < around.plan.lanes; ++i) {
    worker("lane" + std::to_string(i), [this, i]() -> Time {
      auto& lane = path.lane(static_cast<std::size_t>(i));
      switch (lane.run_once()) {
      case commit::Lane::Did::worked: return 0us;
      case commit::Lane::Did::again: return 3ms;
      case commit::Lane::Did::waiting: return 100ms;
      case commit::Lane::Did::nothing: break;
      }
      // Parked writes and heartbeats have times of their own.
      around.scheduler.idle(around.scheduler.self()->dice.between(20, 160) * 1ms);
      return 0us;
    });
  }
  worker("reader", [this]() -> Time {
    while (path.reader().run_once()) { // like Reader::run: what has queued is read before it ends
    }
    around.scheduler.idle(5s);
    return 0us;
  });
  loop("upkeep", [this]() -> Time {
    upkeep.run_once();
    return around.healing ? 400ms : around.scheduler.self()->dice.between(100, 900) * 1ms;
  });
  loop("ledger-probe", [this]() -> Time {
    ledger_probe.run_once();
    return 700ms;
  });
  loop("mirror-probe", [this]() -> Time {
    mirror_probe.run_once();
    return 700ms;
  });
  loop("deadlines", [this]() -> Time {
    path.expire_due();
    return 100ms;
  });
}

} // namespace panier::sim
