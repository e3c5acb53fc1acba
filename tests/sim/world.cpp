#include "world.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "history.hpp"
#include "service/live_cart_service.hpp"
#include "support/memory_ledger.hpp"
#include "support/memory_mirror.hpp"
#include "upkeep/probe.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::sim {
namespace {

using namespace std::chrono_literals;
using test::Fault;
using test::LedgerCall;
using test::MirrorCall;

std::chrono::milliseconds ms(Time time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

// Simulated steady time for all, and a wall clock that can be set.
class SimClock final : public runtime::Clock {
public:
  explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  [[nodiscard]] runtime::SteadyTime steady() const override {
    return runtime::SteadyTime(1h + scheduler_.now());
  }
  [[nodiscard]] runtime::WallTime wall() const override {
    return runtime::WallTime(1'764'000'000'000ms + ms(scheduler_.now()) + skew_);
  }
  void set(std::chrono::milliseconds skew) { skew_ = skew; }

private:
  const Scheduler& scheduler_;
  std::chrono::milliseconds skew_{0};
};

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

// What all runs share because it is costly to make and none of them looks at it.
runtime::Metrics& metrics() {
  static const runtime::SystemClock clock;
  static runtime::Metrics metrics("sim", 4, clock);
  return metrics;
}
runtime::FailureLog& failure_log() {
  static const runtime::SystemClock clock;
  static runtime::FailureLog log("/dev/null", clock);
  return log;
}

std::string user_name(std::int64_t cart) {
  return "u" + std::to_string(cart);
}

class World;

// One process of the service.
class Process {
public:
  Process(World& world, int slot, Scheduler::Group group);
  void start();

  World& world;
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
  [[nodiscard]] std::string instance() const {
    return "i" + std::to_string(slot) + "-" + std::to_string(group);
  }
  void wait(std::chrono::milliseconds time) const;
  void loop(const std::string& name, std::function<Time()> step);
};

class World {
public:
  explicit World(const Options& options)
      : options_(options), dice_(options.seed),
        plan_(options.script ? plan_of(*options.script) : draw_plan(dice_)),
        scheduler(options.seed), clock_(scheduler), ledger_(clock_) {}
  Outcome run();

private:
  friend class Process;
  // --- what goes wrong ---
  bool strikes(double odds, const char* what);
  bool happens(const std::string& trouble);
  std::optional<Fault> before_ledger(LedgerCall call);
  std::optional<Fault> before_mirror(MirrorCall call);
  std::optional<Fault> call_fault(bool slow);
  std::optional<Fault> commit_fault();
  std::optional<Script::Fault> next_scripted();
  std::optional<Fault> ledger_fault(LedgerCall call, Script::Fault fault);
  std::optional<Fault> mirror_fault(MirrorCall call, Script::Fault fault);
  void pause(bool mirror);
  void maybe_crash(const char* when);
  void judge_next_bulk();
  void schedule_incidents();
  void incident(const Incident& incident);
  // --- clients ---
  void next_request(std::size_t client);
  void follow_script(Call& call) const;
  void send(std::size_t client, std::size_t call);
  void answered(std::size_t call, Call::Told told, Errc code);
  void retry_or_go_on(std::size_t client, std::size_t call);
  [[nodiscard]] Process* somebody();
  // --- the end ---
  void heal();
  void check_end();
  [[nodiscard]] bool quiet() const;
  [[nodiscard]] std::string difference() const;
  void died(Scheduler::Group group);
  void start_process(int slot);
  void tell(const std::string& what);

  const Options& options_;
  Dice dice_;
  const Plan plan_;

public:
  Scheduler scheduler;

private:
  SimClock clock_; // the ledger server's
  test::MemoryLedgerStore ledger_;
  test::MemoryMirrorStore mirror_;
  std::vector<std::unique_ptr<Process>> processes_;
  Scheduler::Group groups_ = 0;
  bool healing_ = false;
  enum class Trouble : std::uint8_t { none, refuses, hangs };
  Trouble ledger_trouble_ = Trouble::none;
  Trouble mirror_trouble_ = Trouble::none;
  const Scheduler::Actor* crash_at_pause_ = nullptr;
  std::optional<test::MemoryLedgerStore::State> backup_;
  std::optional<test::MemoryMirrorStore::Documents> mirror_copy_;

  struct Client {
    int left = 0; // requests still to make
    Dice dice{0};
    std::map<std::string, cart::Version> last_seen;
  };
  std::vector<Client> clients_;
  struct Sent {
    std::size_t client = 0;
    Scheduler::Group group = 0;
    std::optional<commit::Idempotency> key;
    int attempts = 1;
    bool open = true;
  };
  std::vector<Sent> sent_; // beside history_.calls
  int operations_ = 0;
  History history_;
  Outcome outcome_;
};

// ---- a process

Process::Process(World& the_world, int the_slot, Scheduler::Group the_group)
    : world(the_world), slot(the_slot), group(the_group), clock(world.scheduler),
      ledger_state("memory_ledger", clock), mirror_state("memory_mirror", clock),
      policy(world.plan_.policy),
      path({.instance = instance(),
            .lanes = world.plan_.lanes,
            .queue_max = world.plan_.queue_max,
            .ids =
                [this, lane = 0](const runtime::Clock&) mutable {
                  return std::make_unique<SimIds>(world.options_.seed * 1000 +
                                                  static_cast<std::uint64_t>(group * 10 + lane++));
                }},
           {.clock = clock,
            .metrics = metrics(),
            .ledger_state = ledger_state,
            .mirror_state = mirror_state,
            .policy = policy,
            .timing = world.plan_.timing,
            .limits = {},
            .wait = [this](std::chrono::milliseconds time) { wait(time); }},
           world.ledger_, &world.mirror_),
      upkeep({.clock = clock,
              .metrics = metrics(),
              .ledger_state = ledger_state,
              .mirror_state = mirror_state,
              .ledger = world.ledger_.connect(),
              .mirror = world.mirror_.connect(),
              .ids = std::make_unique<SimIds>(world.options_.seed * 1000 +
                                              static_cast<std::uint64_t>(group * 10 + 9)),
              .mirror_timeout = world.plan_.timing.mirror_timeout,
              .reservation_ttl = world.plan_.timing.reservation_ttl},
             {.keep = world.plan_.keep,
              .cart_ttl = {},
              .verify_rows_per_s = world.plan_.verify ? 100 : 0,
              .wait = [this](std::chrono::milliseconds time) { wait(time); }},
             [this](commit::WriteRequest request, commit::WriteDone done) {
               path.submit(std::move(request), std::move(done));
             }),
      ledger_probe(clock, world.ledger_, ledger_state, true),
      mirror_probe(clock, world.mirror_, mirror_state),
      service({.clock = clock,
               .path = path,
               .ledger_state = ledger_state,
               .mirror_state = &mirror_state,
               .policy = policy,
               .failures = failure_log(),
               .articles = nullptr,
               .unknown_stock = {},
               .request_timeout = world.plan_.timing.request_timeout,
               .lag = [this] { return upkeep.lag(); },
               .instance = instance(),
               .version = "sim"}) {}

void Process::wait(std::chrono::milliseconds time) const {
  world.scheduler.sleep(time);
}

// An actor that takes one step after another; `step` says how long it then has nothing to do.
void Process::loop(const std::string& name, std::function<Time()> step) {
  world.scheduler.spawn(group, instance() + "." + name, [this, step = std::move(step)] {
    while (true)
      world.scheduler.sleep(step());
  });
}

void Process::start() {
  for (int i = 0; i < world.plan_.lanes; ++i) {
    loop("lane" + std::to_string(i), [this, i]() -> Time {
      auto& lane = path.lane(static_cast<std::size_t>(i));
      switch (lane.run_once()) {
      case commit::Lane::Did::worked: return 0us;
      case commit::Lane::Did::again: return 3ms;
      case commit::Lane::Did::waiting: return 100ms;
      case commit::Lane::Did::nothing: break;
      }
      // Parked writes and heartbeats have times of their own.
      world.scheduler.idle(world.scheduler.self()->dice.between(20, 160) * 1ms);
      return 0us;
    });
  }
  loop("reader", [this]() -> Time {
    if (path.reader().run_once()) return 0us;
    world.scheduler.idle(5s);
    return 0us;
  });
  loop("upkeep", [this]() -> Time {
    upkeep.run_once();
    return world.healing_ ? 400ms : world.scheduler.self()->dice.between(100, 900) * 1ms;
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

// ---- what goes wrong

void World::tell(const std::string& what) {
  if (!options_.trace) return;
  const auto* self = scheduler.self();
  outcome_.trace += std::to_string(scheduler.now().count()) + " us  " +
                    (self ? self->name : "world") + ": " + what + "\n";
}

// Is this trouble let happen? It is named so that it can be left out.
bool World::happens(const std::string& trouble) {
  if (options_.without.contains(trouble)) return false;
  outcome_.troubles.push_back(trouble);
  tell("TROUBLE " + trouble);
  return true;
}

bool World::strikes(double odds, const char* what) {
  auto& self = *scheduler.self();
  if (healing_ || odds <= 0 || !self.dice.chance(odds)) return false;
  return happens(self.name + "#" + std::to_string(self.calls) + " " + what);
}

void World::maybe_crash(const char* when) {
  if (strikes(plan_.odds.crash, when)) scheduler.crash();
}

std::string_view name_of(LedgerCall call) {
  static constexpr std::array names = {
      "prepare",    "open",       "lock",     "look",    "commit",
      "last_batch", "read",       "ping",     "lanes",   "delete_dead_lanes",
      "lagging",    "lag_count",  "lag_done", "add_lag", "purgeable",
      "untouched",  "purge_keys", "scan"};
  return names.at(static_cast<std::size_t>(call));
}
std::string_view name_of(MirrorCall call) {
  static constexpr std::array names = {"write", "find",   "ping", "ensure_index",
                                       "purge", "remove", "scan"};
  return names.at(static_cast<std::size_t>(call));
}

constexpr Time ledger_read_timeout = 3s;

std::optional<Fault> World::before_ledger(LedgerCall call) {
  auto& self = *scheduler.self();
  ++self.calls;
  if (options_.trace) tell("ledger " + std::string(name_of(call)));
  if (const auto scripted = next_scripted()) {
    scheduler.sleep(300us);
    return ledger_fault(call, *scripted);
  }
  maybe_crash("crash before the ledger");
  const auto& odds = plan_.odds;
  const bool slow = strikes(odds.slow, "slow ledger");
  scheduler.sleep(slow ? self.dice.between(1, 2'900) * 1ms : self.dice.between(50, 700) * 1us);
  auto fault = call == LedgerCall::commit ? commit_fault() : call_fault(slow);
  if (fault) history_.ledger_was_away = true; // at least for whoever met it
  return fault;
}

std::optional<Fault> World::call_fault(bool slow) {
  auto& self = *scheduler.self();
  const auto& odds = plan_.odds;
  const Error silent{Errc::store_timeout, {}, "simulated: no answer"};
  if (ledger_trouble_ == Trouble::refuses)
    return Fault{{Errc::store_unreachable, {}, "simulated: refused"}};
  if (slow) return std::nullopt;
  if (ledger_trouble_ == Trouble::hangs || strikes(odds.lost_request, "ledger request lost")) {
    scheduler.sleep(ledger_read_timeout);
    return Fault{silent};
  }
  if (strikes(odds.refused, "ledger connection cut"))
    return Fault{{Errc::store_unreachable, {}, "simulated: cut"}};
  if (strikes(odds.conflict, "ledger conflict"))
    return Fault{{Errc::store_conflict, {}, "simulated: deadlock"}};
  if (strikes(odds.lost_answer, "ledger answer lost")) {
    self.silence = ledger_read_timeout;
    return Fault{silent, true};
  }
  return std::nullopt;
}

std::optional<Fault> World::commit_fault() {
  auto& self = *scheduler.self();
  const Error unknown{Errc::commit_unknown, {}, "simulated: COMMIT not answered"};
  const auto& odds = plan_.odds;
  if (ledger_trouble_ == Trouble::refuses) // the connection broke, perhaps after it was done
    return Fault{unknown, self.dice.chance(0.2)};
  if (ledger_trouble_ == Trouble::hangs || strikes(odds.hanging_commit, "COMMIT hangs")) {
    const Time decided = self.dice.between(100, 9'000) * 1ms;
    const bool done = self.dice.chance(0.5);
    scheduler.after(decided, 0, [this, done] { ledger_.decide_hanging(done); });
    self.silence = ledger_read_timeout;
    return Fault{unknown, false, true};
  }
  if (strikes(odds.conflict, "conflict at COMMIT"))
    return Fault{{Errc::store_conflict, {}, "simulated: deadlock"}};
  if (strikes(odds.refused, "connection cut before COMMIT"))
    return Fault{{Errc::store_unreachable, {}, "simulated: cut"}};
  if (strikes(odds.lost_commit, "COMMIT lost, not done")) return Fault{unknown, false};
  if (strikes(odds.lost_commit, "COMMIT done, answer lost")) {
    self.silence = self.dice.between(0, 3'000) * 1ms;
    return Fault{unknown, true};
  }
  if (strikes(odds.rejected, "row refused"))
    return Fault{{Errc::store_rejected, {}, "simulated: row refused"}};
  return std::nullopt;
}

std::optional<Fault> World::before_mirror(MirrorCall call) {
  auto& self = *scheduler.self();
  ++self.calls;
  if (options_.trace) tell("mirror " + std::string(name_of(call)));
  if (const auto scripted = next_scripted()) {
    scheduler.sleep(500us);
    return mirror_fault(call, *scripted);
  }
  maybe_crash("crash before the mirror");
  const auto& odds = plan_.odds;
  const bool slow = strikes(odds.slow, "slow mirror");
  scheduler.sleep(slow ? self.dice.between(1, 1'000) * 1ms : self.dice.between(100, 3'000) * 1us);
  const Time timeout = plan_.timing.mirror_timeout;
  const Error silent{Errc::store_timeout, {}, "simulated: no answer"};
  if (mirror_trouble_ == Trouble::refuses || strikes(odds.refused, "mirror connection cut"))
    return Fault{{Errc::store_unreachable, {}, "simulated: refused"}};
  if (slow) return std::nullopt;
  if (mirror_trouble_ == Trouble::hangs || strikes(odds.lost_request, "mirror request lost")) {
    scheduler.sleep(timeout);
    return Fault{silent};
  }
  if (strikes(odds.lost_answer, "mirror answer lost")) {
    self.silence = timeout;
    return Fault{silent, true};
  }
  if (call != MirrorCall::write) return std::nullopt;
  if (strikes(odds.late, "bulk late")) {
    const bool twice = self.dice.chance(0.3);
    const Time late = self.dice.between(10, 14'000) * 1ms;
    scheduler.after(late, 0, [this, twice] { mirror_.deliver_late(twice); });
    if (twice) scheduler.after(late + 500ms, 0, [this] { mirror_.deliver_late(); });
    self.silence = timeout;
    scheduler.sleep(timeout);
    return Fault{silent, false, true};
  }
  if (strikes(odds.partial, "bulk in part")) judge_next_bulk();
  return std::nullopt;
}

// ---- faults by a script

// The fault of the call that begins, if the script has one for it.
std::optional<Script::Fault> World::next_scripted() {
  if (!options_.script || operations_ < 2 || healing_ || !scheduler.self()->name.contains("lane"))
    return std::nullopt;
  const int call = outcome_.scripted_calls++;
  for (const auto& [at, fault] : options_.script->at) {
    if (at != call) continue;
    outcome_.troubles.push_back(to_text(*options_.script));
    tell("TROUBLE " + to_text(*options_.script));
    if (fault == Script::Fault::crash_before) scheduler.crash();
    if (fault == Script::Fault::crash_after) crash_at_pause_ = scheduler.self();
    return fault;
  }
  return std::nullopt;
}

std::optional<Fault> World::ledger_fault(LedgerCall call, Script::Fault fault) {
  auto& self = *scheduler.self();
  history_.ledger_was_away = true;
  const bool commit = call == LedgerCall::commit;
  const Error cut{Errc::store_unreachable, {}, "scripted: cut"};
  const Error silent{commit ? Errc::commit_unknown : Errc::store_timeout, {}, "scripted: silence"};
  switch (fault) {
  case Script::Fault::error_before: return Fault{cut};
  case Script::Fault::error_after: return Fault{commit ? silent : cut, true};
  case Script::Fault::answer_lost: self.silence = ledger_read_timeout; return Fault{silent, true};
  case Script::Fault::hang_undone:
  case Script::Fault::hang_done:
    if (commit) {
      const bool done = fault == Script::Fault::hang_done;
      scheduler.after(done ? 12s : 2s, 0, [this, done] { ledger_.decide_hanging(done); });
      self.silence = ledger_read_timeout;
      return Fault{silent, false, true};
    }
    scheduler.sleep(ledger_read_timeout);
    return Fault{silent};
  case Script::Fault::crash_before:
  case Script::Fault::crash_after: break;
  }
  return std::nullopt;
}

std::optional<Fault> World::mirror_fault(MirrorCall call, Script::Fault fault) {
  auto& self = *scheduler.self();
  const Error cut{Errc::store_unreachable, {}, "scripted: cut"};
  const Error silent{Errc::store_timeout, {}, "scripted: silence"};
  const Time timeout = plan_.timing.mirror_timeout;
  switch (fault) {
  case Script::Fault::error_before: return Fault{cut};
  case Script::Fault::error_after: return Fault{cut, true};
  case Script::Fault::answer_lost: self.silence = timeout; return Fault{silent, true};
  case Script::Fault::hang_undone:
  case Script::Fault::hang_done:
    scheduler.sleep(timeout);
    if (call == MirrorCall::write && fault == Script::Fault::hang_done) {
      scheduler.after(9s, 0, [this] { mirror_.deliver_late(); });
      return Fault{silent, false, true};
    }
    return Fault{silent};
  case Script::Fault::crash_before:
  case Script::Fault::crash_after: break;
  }
  return std::nullopt;
}

// Of each write of the coming bulk: done and said so, done or not and nobody says, or refused.
void World::judge_next_bulk() {
  auto& self = *scheduler.self();
  mirror_.judge(
      [this, &self](const commit::MirrorWrite&) -> std::optional<test::MemoryMirrorStore::Verdict> {
        if (scheduler.self() != &self) return std::nullopt;
        const auto choice = self.dice.between(0, 4);
        if (choice == 0) return std::nullopt;
        if (choice == 1) return test::MemoryMirrorStore::Verdict{commit::Took::failed, false};
        return test::MemoryMirrorStore::Verdict{commit::Took::unknown, choice % 2 == 0};
      });
  scheduler.after(10ms, 0, [this] { mirror_.judge({}); });
}

// Between the steps of a call, and before its answer.
void World::pause(bool mirror) {
  auto& self = *scheduler.self();
  if (std::exchange(crash_at_pause_, nullptr) == &self) scheduler.crash();
  maybe_crash(mirror ? "crash after the mirror" : "crash after the ledger");
  scheduler.sleep(std::exchange(self.silence, 0us) + self.dice.between(20, 400) * 1us);
}

void World::schedule_incidents() {
  for (const auto& incident : plan_.incidents)
    scheduler.at(incident.when, 0, [this, &incident] { this->incident(incident); });
}

void World::incident(const Incident& one) {
  if (healing_ || !happens(to_text(one))) return;
  switch (one.kind) {
  case Incident::Kind::ledger_down:
    history_.ledger_was_away = true;
    ledger_trouble_ = one.flag ? Trouble::hangs : Trouble::refuses;
    if (!one.flag) { // a crashed server: what was open is gone
      ledger_.end_open_transactions();
      ledger_.decide_hanging(dice_.chance(0.5));
      ledger_.release_orphans();
    }
    scheduler.after(one.length, 0, [this] { ledger_trouble_ = Trouble::none; });
    return;
  case Incident::Kind::mirror_down:
    mirror_trouble_ = one.flag ? Trouble::hangs : Trouble::refuses;
    scheduler.after(one.length, 0, [this] { mirror_trouble_ = Trouble::none; });
    return;
  case Incident::Kind::freeze:
    for (auto& process : processes_) {
      if (!process || process->slot != one.slot) continue;
      scheduler.freeze(process->group, scheduler.now() + one.length);
      for (std::size_t i = 0; i < sent_.size(); ++i) {
        if (sent_[i].group == process->group && !history_.calls[i].answered)
          history_.calls[i].excused = true;
      }
      // The server does not wait for a transaction whose owner sleeps.
      if (one.length > 5s) scheduler.after(5s, 0, [this] { ledger_.end_open_transactions(); });
    }
    return;
  case Incident::Kind::end_transactions: ledger_.end_open_transactions(); return;
  case Incident::Kind::ledger_clock:
    history_.clock_was_set = true;
    clock_.set(std::chrono::minutes(one.flag ? 40 : -40));
    return;
  case Incident::Kind::process_clock:
    for (auto& process : processes_) {
      if (process && process->slot == one.slot)
        process->clock.set(std::chrono::minutes(one.flag ? 40 : -40));
    }
    return;
  case Incident::Kind::policy:
    for (auto& process : processes_) {
      if (process && process->slot == one.slot)
        process->service.set_policy(one.flag ? commit::Policy::strict : commit::Policy::available);
    }
    return;
  case Incident::Kind::mirror_backup: mirror_copy_ = mirror_.documents(); return;
  case Incident::Kind::mirror_restore:
    history_.clock_was_set = true; // versions may run ahead of the clock by what the mirror had
    mirror_.edit([&](auto& documents) {
      if (mirror_copy_) documents = *mirror_copy_;
      if (!one.flag) return;
      for (auto& [id, document] : documents) { // of a newer day
        document.version += 3'600'000;
        document.lines.clear();
      }
    });
    return;
  case Incident::Kind::ledger_backup: backup_ = ledger_.state(); return;
  case Incident::Kind::ledger_restore:
    if (!backup_) return;
    history_.ledger_was_away = true;
    ledger_.end_open_transactions();
    ledger_.decide_hanging(false);
    ledger_.release_orphans();
    ledger_.edit([&](auto& state) {
      state = *backup_;
      for (int i = 1; i <= plan_.carts; ++i) {
        const auto kept = state.carts.find(cart::UserId::parse(user_name(i)).value());
        const auto cart = kept == state.carts.end() ? cart::Cart{} : kept->second.cart;
        history_.changes[user_name(i)].push_back(
            {scheduler.now(), cart.version, state_of(cart), true});
        if (options_.trace) tell(user_name(i) + " is again " + to_text(state_of(cart)));
      }
    });
    return;
  }
}

// ---- processes

void World::start_process(int slot) {
  auto& place = processes_[static_cast<std::size_t>(slot)];
  place = std::make_unique<Process>(*this, slot, ++groups_);
  place->start();
  tell("instance " + std::to_string(slot) + " starts");
}

void World::died(Scheduler::Group group) {
  ++outcome_.crashes;
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    if (!sent_[i].open || sent_[i].group != group) continue;
    sent_[i].open = false; // whatever its destructors say now, nobody hears it
    if (!history_.calls[i].answered) answered(i, Call::Told::unknown, Errc::shutting_down);
  }
  scheduler.kill(group);
  mirror_.judge({});
  for (auto& process : processes_) {
    if (!process || process->group != group) continue;
    const int slot = process->slot;
    ledger_.orphan_on_disconnect(dice_.chance(plan_.odds.half_open));
    process.reset();
    ledger_.orphan_on_disconnect(false);
    scheduler.after(5s, 0, [this] { ledger_.release_orphans(); });
    scheduler.after(dice_.between(50, 4'000) * 1ms, 0, [this, slot] { start_process(slot); });
  }
}

// ---- clients

Process* World::somebody() {
  if (options_.script && processes_.front()) return processes_.front().get();
  std::vector<Process*> alive;
  for (auto& process : processes_) {
    if (process) alive.push_back(process.get());
  }
  return alive.empty() ? nullptr : dice_.pick(alive);
}

void World::next_request(std::size_t index) {
  auto& client = clients_[index];
  if (client.left == 0 || healing_) return;
  --client.left;
  auto& dice = client.dice;
  const auto user = user_name(dice.between(1, plan_.carts));
  Call call{.operation = ++operations_,
            .what = {.kind = cart::OperationKind::create,
                     .user = cart::UserId::parse(user).value(),
                     .line = {},
                     .quantity = {},
                     .if_match = {}}};
  call.read = dice.chance(plan_.reads);
  std::optional<commit::Idempotency> key;
  if (!call.read) {
    static constexpr std::array kinds = {
        cart::OperationKind::add,    cart::OperationKind::add,   cart::OperationKind::add,
        cart::OperationKind::edit,   cart::OperationKind::edit,  cart::OperationKind::remove,
        cart::OperationKind::create, cart::OperationKind::empty, cart::OperationKind::erase};
    call.what.kind = dice.pick(kinds);
    if (call.what.kind <= cart::OperationKind::remove &&
        call.what.kind != cart::OperationKind::create) {
      call.what.line = cart::LineKey::parse(dice.chance(0.7) ? "a" : "b");
    }
    if (call.what.kind == cart::OperationKind::add)
      call.what.quantity = cart::Quantity::of(dice.chance(0.85) ? dice.between(1, 4) : -2);
    if (call.what.kind == cart::OperationKind::edit)
      call.what.quantity = cart::Quantity::of(dice.between(0, 3));
    const auto seen = client.last_seen.find(user);
    if (seen != client.last_seen.end() && dice.chance(plan_.if_match))
      call.what.if_match = cart::IfMatch{false, {seen->second}};
    if (dice.chance(plan_.keyed)) {
      key.emplace();
      for (std::size_t i = 0; i < 8; ++i)
        key->key[i] = key->fingerprint[i] =
            static_cast<std::uint8_t>(static_cast<unsigned>(call.operation) >> (8 * (i % 4)));
    }
  }
  if (options_.script) follow_script(call);
  const auto name =
      "request " + std::to_string(call.operation) + " of client " + std::to_string(index);
  if (options_.without.contains(name))
    return scheduler.after(1ms, 0, [this, index] { next_request(index); });
  outcome_.requests.push_back(name);
  history_.calls.push_back(call);
  sent_.push_back({.client = index, .key = key});
  send(index, history_.calls.size() - 1);
}

// The first request makes the cart, the second is the operation under test, the third reads.
void World::follow_script(Call& call) const {
  call.read = call.operation == 3;
  call.what.kind = call.operation == 2 ? options_.script->operation : cart::OperationKind::add;
  call.what.if_match = {};
  call.what.line = {};
  call.what.quantity = cart::Quantity::of(call.operation == 2 ? 3 : 2);
  if (call.what.kind >= cart::OperationKind::add && call.what.kind <= cart::OperationKind::remove)
    call.what.line = cart::LineKey::parse("a");
  // A create needs a cart that is not there yet.
  if (call.what.kind == cart::OperationKind::create || call.read)
    call.what.user =
        cart::UserId::parse(options_.script->operation == cart::OperationKind::create ? "u2" : "u1")
            .value();
}

void World::send(std::size_t client, std::size_t index) {
  auto& call = history_.calls[index];
  call.asked = scheduler.now();
  call.deadline = call.asked + plan_.timing.request_timeout + 200ms;
  auto* process = somebody();
  if (!process) {
    if (healing_) return answered(index, Call::Told::failed, Errc::shutting_down); // never sent
    return scheduler.after(20ms, 0, [this, client, index] { send(client, index); });
  }
  call.excused = scheduler.is_frozen(process->group);
  sent_[index].group = process->group;
  if (options_.trace)
    tell("client " + std::to_string(client) + " asks instance " + std::to_string(process->slot) +
         ": " + to_text(call));
  scheduler.poke(process->group, dice_.between(10, 3'000) * 1us);
  if (call.read) {
    process->service.read(call.what.user, [this, index](Result<service::ShownCart> shown) {
      if (!sent_[index].open) return;
      auto& mine = history_.calls[index];
      if (!shown) {
        const auto code = shown.error().code;
        const bool none = code == Errc::cart_not_found;
        return answered(index, none ? Call::Told::refused : Call::Told::failed, code);
      }
      const auto& view = shown->view;
      if (!view.degraded) mine.seen = state_of(view.cart);
      mine.seen_version = view.cart.version;
      answered(index, Call::Told::ok, {});
    });
    return;
  }
  process->service.write({call.what, sent_[index].key}, [this, index](Result<commit::Receipt> got) {
    if (!sent_[index].open) return;
    if (got) {
      history_.calls[index].outcome = got->outcome;
      return answered(index, Call::Told::ok, {});
    }
    const auto code = got.error().code;
    const bool refused = code == Errc::cart_not_found || code == Errc::precondition_failed ||
                         code == Errc::invalid_field;
    answered(index,
             code == Errc::outcome_unknown ? Call::Told::unknown
             : refused                     ? Call::Told::refused
                                           : Call::Told::failed,
             code);
  });
}

void World::answered(std::size_t index, Call::Told told, Errc code) {
  auto& call = history_.calls[index];
  if (++call.answers > 1) return;
  call.answered = scheduler.now();
  call.told = told;
  call.code = code;
  if (options_.trace) tell("answer: " + to_text(call));
  if (told == Call::Told::unknown)
    ++outcome_.unknown;
  else if (call.read)
    ++outcome_.reads;
  else if (told == Call::Told::ok)
    ++outcome_.acknowledged;
  else
    ++outcome_.failed;
  scheduler.after(1us, 0, [this, index] { retry_or_go_on(sent_[index].client, index); });
}

// As clients do: a retry where nobody knows, under the same key if there is one.
void World::retry_or_go_on(std::size_t index, std::size_t of) {
  auto& client = clients_[index];
  const Call before = history_.calls[of];
  const Sent sent = sent_[of];
  const bool heard = before.told == Call::Told::ok && !client.dice.chance(plan_.answer_lost);
  if (heard && !before.read) client.last_seen[before.what.user.text()] = before.outcome.version;
  const Time pause = client.dice.between(0, plan_.think_ms) * 1ms;
  const bool again = !heard && !before.read && before.told != Call::Told::refused &&
                     sent.attempts < 4 && client.dice.chance(sent.key ? 0.9 : 0.4);
  if (!again || healing_) return scheduler.after(pause, 0, [this, index] { next_request(index); });
  scheduler.after(pause, 0, [this, index, before, sent] {
    if (healing_) return;
    Call call{.operation = sent.key ? before.operation : ++operations_, .what = before.what};
    history_.calls.push_back(call);
    sent_.push_back({.client = index, .key = sent.key, .attempts = sent.attempts + 1});
    send(index, history_.calls.size() - 1);
  });
}

// ---- the end

void World::heal() {
  healing_ = true;
  scheduler.thaw();
  ledger_trouble_ = mirror_trouble_ = Trouble::none;
  ledger_.decide_hanging(dice_.chance(0.5));
  ledger_.release_orphans();
  mirror_.deliver_late();
  mirror_.judge({});
  for (const auto& process : processes_) {
    if (process) process->service.set_policy(commit::Policy::strict);
  }
  tell("everything is healed");
}

std::string World::difference() const {
  const auto state = ledger_.state();
  const auto documents = mirror_.documents();
  std::set<commit::CartId> known;
  for (const auto& [user, row] : state.carts) {
    if (row.cart.version == 0) continue;
    const auto doc = documents.find(row.cart.id);
    if (doc == documents.end()) return user.text() + " is missing in the mirror";
    known.insert(doc->first);
    const auto& held = doc->second;
    if (held.user != user || held.version != row.cart.version || held.token != row.token ||
        held.exists != row.cart.exists || held.lines != row.cart.lines ||
        held.id_maria != row.id_maria)
      return user.text() + " differs: ledger version " + std::to_string(row.cart.version) + " " +
             to_text(state_of(row.cart)) + ", mirror version " + std::to_string(held.version);
  }
  for (const auto& [id, document] : documents) {
    if (!known.contains(id)) return document.user.text() + " is in the mirror only";
  }
  return "";
}

bool World::quiet() const {
  const auto state = ledger_.state();
  return state.lag.empty() &&
         std::ranges::none_of(state.lanes,
                              [](const auto& lane) { return lane.second.token.has_value(); }) &&
         difference().empty();
}

void World::check_end() {
  auto& found = outcome_.violations;
  found = history_.violations();
  outcome_.undecided = history_.undecided;
  if (auto differs = difference(); !differs.empty()) found.push_back("in the end " + differs);
  const auto state = ledger_.state();
  if (!state.lag.empty())
    found.push_back("in the end " + std::to_string(state.lag.size()) + " carts lag");
  std::set<std::string> alive;
  for (const auto& process : processes_) {
    if (process)
      alive.insert("i" + std::to_string(process->slot) + "-" + std::to_string(process->group));
  }
  for (const auto& [key, row] : state.lanes) {
    if (row.token) found.push_back("in the end a reservation of " + key.instance + " is left");
    // (Of a row whose heartbeat lies ahead of a clock that was set back nobody can tell.)
    if (plan_.to_the_very_end && !history_.clock_was_set && !alive.contains(key.instance))
      found.push_back("in the end a lane row of the dead " + key.instance + " is left");
  }
}

Outcome World::run() {
  ledger_.faults.on_call([this](LedgerCall call) { return before_ledger(call); });
  ledger_.faults.on_pause([this](LedgerCall) { pause(false); });
  mirror_.faults.on_call([this](MirrorCall call) { return before_mirror(call); });
  mirror_.faults.on_pause([this](MirrorCall) { pause(true); });
  ledger_.observe(
      [this](const cart::UserId& user, const commit::CartRow*, const commit::CartRow* after) {
        const auto cart = after ? after->cart : cart::Cart{};
        auto& changes = history_.changes[user.text()];
        changes.push_back({.when = scheduler.now(),
                           .version = cart.version,
                           .state = state_of(cart),
                           .purged = after == nullptr});
        if (options_.trace)
          tell("VISIBLE " + user.text() + " version " + std::to_string(cart.version) + " " +
               to_text(state_of(cart)));
      });
  scheduler.on_crash = [this](Scheduler::Group group) { died(group); };
  if (options_.trace) outcome_.trace = to_text(plan_);
  processes_.resize(static_cast<std::size_t>(plan_.instances));
  for (int slot = 0; slot < plan_.instances; ++slot)
    start_process(slot);
  for (int i = 0; i < plan_.clients; ++i) {
    clients_.push_back({.left = plan_.requests,
                        .dice = Dice(options_.seed + 77 * static_cast<std::uint64_t>(i + 1)),
                        .last_seen = {}});
    scheduler.after(dice_.between(0, 300) * 1ms, 0,
                    [this, i] { next_request(static_cast<std::size_t>(i)); });
  }
  schedule_incidents();

  const auto all_answered = [this] {
    return std::ranges::all_of(clients_, [](const Client& one) { return one.left == 0; }) &&
           std::ranges::all_of(history_.calls,
                               [](const Call& call) { return call.answered.has_value(); });
  };
  scheduler.run(plan_.length, all_answered);
  heal();
  scheduler.run(scheduler.now() + 30s, [&] { return all_answered() && quiet(); });
  // What only a backoff or the life of a dead lane's row delays.
  if (!quiet()) scheduler.run(scheduler.now() + 90s, [&] { return quiet(); });
  if (plan_.to_the_very_end) scheduler.run(scheduler.now() + 80s);
  check_end();
  processes_.clear();
  return std::move(outcome_);
}

} // namespace

Outcome run(const Options& options) {
  World world(options);
  return world.run();
}

} // namespace panier::sim
