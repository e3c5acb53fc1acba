#include "world.hpp"

#include <algorithm>

#include "world_inside.hpp"

namespace panier::sim {
namespace {

// Of what verify tells, the first that it should have repaired.
std::optional<std::string> first_of_ours(const upkeep::VerifyReport& report) {
  for (const auto& difference : report.listed)
    if (!difference.what.ends_with("not written by panier")) return difference.what;
  return std::nullopt;
}

} // namespace

using namespace std::chrono_literals;

constexpr int audits_max = 5;

void World::tell(const std::string& what) {
  if (!options_.trace) return;
  const auto* self = scheduler_.self();
  outcome_.trace += std::to_string(scheduler_.now().count()) + " us  " +
                    (self ? self->name : "world") + ": " + what + "\n";
}

// ---- processes

void World::start_process(int slot) {
  auto& place = processes_[static_cast<std::size_t>(slot)];
  place = std::make_unique<Process>(
      Process::Surroundings{scheduler_, plan_, options_.seed, ledger_, mirror_, healing_,
                            [this](Scheduler::Group group, const cart::Operation& what) {
                              return upkeep_asks(group, what);
                            }},
      slot, ++groups_);
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
  scheduler_.kill(group);
  mirror_.judge({});
  for (auto& process : processes_) {
    if (!process || process->group != group) continue;
    const int slot = process->slot;
    ledger_.orphan_on_disconnect(dice_.chance(plan_.odds.half_open));
    process.reset();
    ledger_.orphan_on_disconnect(false);
    scheduler_.after(5s, 0, [this] { ledger_.release_orphans(); });
    scheduler_.after(dice_.between(50, 4'000) * 1ms, 0, [this, slot] { start_process(slot); });
  }
}

Process* World::process_of(Scheduler::Group group) {
  for (auto& process : processes_) {
    if (process && process->group == group) return process.get();
  }
  return nullptr;
}

void World::stop(Scheduler::Group group, Time drain) {
  process_of(group)->close();
  scheduler_.after(drain, 0, [this, group] {
    auto* process = process_of(group);
    if (!process) return; // it crashed
    process->give_up();
    finish_stop(group);
  });
}

void World::finish_stop(Scheduler::Group group) {
  auto* process = process_of(group);
  if (!process) return;
  if (!process->ended()) {
    scheduler_.poke(group, 0us);
    return scheduler_.after(20ms, 0, [this, group] { finish_stop(group); });
  }
  process->answer_rest();
  scheduler_.kill(group);
  const int slot = process->slot;
  processes_[static_cast<std::size_t>(slot)].reset();
  tell("instance " + std::to_string(slot) + " has stopped");
  scheduler_.after(dice_.between(50, 4'000) * 1ms, 0, [this, slot] { start_process(slot); });
}

// ---- the end

void World::heal() {
  healing_ = true;
  scheduler_.thaw();
  ledger_trouble_ = mirror_trouble_ = Trouble::none;
  ledger_.decide_hanging(dice_.chance(0.5));
  ledger_.release_orphans();
  mirror_.deliver_late();
  mirror_.judge({});
  ledger_.refuse_rows({});
  for (int i = 1; i <= plan_.carts; ++i)
    spoil_row(user_name(i), false);
  for (const auto& process : processes_) {
    if (process) process->service.set_policy(commit::Policy::strict);
  }
  tell("everything is healed");
}

std::string World::difference() const {
  const auto& state = ledger_.seen();
  const auto& documents = mirror_.seen();
  std::set<commit::CartId> known;
  for (const auto& [user, row] : state.carts) {
    if (row.cart.version == 0) continue;
    const auto doc = documents.find(row.cart.id);
    if (doc == documents.end()) return user.text() + " is missing in the mirror";
    known.insert(doc->first);
    const auto& held = doc->second;
    if (held.user != user || held.version != row.cart.version || held.token != row.token ||
        held.exists != row.cart.exists || held.lines != row.cart.lines ||
        held.id_maria != row.id_maria || !held.readable || !held.as_written)
      return user.text() + " differs: ledger version " + std::to_string(row.cart.version) + " " +
             to_text(state_of(row.cart)) + ", mirror version " + std::to_string(held.version);
  }
  for (const auto& [id, document] : documents) {
    // What panier never wrote is left to its owner.
    const bool foreign = document.version == 0 && !state.carts.contains(document.user);
    if (!foreign && !known.contains(id)) return document.user.text() + " is in the mirror only";
  }
  return "";
}

bool World::quiet() const {
  const auto& state = ledger_.seen();
  return state.lag.empty() &&
         std::ranges::none_of(state.lanes,
                              [](const auto& lane) { return lane.second.token.has_value(); }) &&
         difference().empty();
}

// `panier verify` must agree with what was found equal. The continuous verify may be in the middle
// of mending a cart that just looks well, hence some tries.
void World::audit() {
  for (int tries = 0; tries < audits_max; ++tries) {
    const auto told = verify_all();
    scheduler_.run(scheduler_.now() + 90s, [this] { return quiet(); });
    if (!told) return;
    if (tries == audits_max - 1) outcome_.violations.push_back("in the end verify tells: " + *told);
  }
}

// nullopt: no difference.
std::optional<std::string> World::verify_all() {
  std::optional<std::string> told = "nothing";
  bool done = false;
  scheduler_.spawn(0, "auditor", [&] {
    runtime::StoreState ledger_state("memory_ledger", clock_);
    runtime::StoreState mirror_state("memory_mirror", clock_);
    upkeep::Stores stores{.clock = clock_,
                          .metrics = shared_metrics(),
                          .ledger_state = ledger_state,
                          .mirror_state = mirror_state,
                          .ledger = ledger_.connect(),
                          .mirror = mirror_.connect(),
                          .ids = nullptr};
    upkeep::Verify verify(
        stores,
        [this](std::chrono::milliseconds time) {
          scheduler_.sleep(time);
          return true;
        },
        upkeep::Verify::Mode::report);
    const auto report = verify.run();
    if (!report)
      told = report.error().detail;
    else
      told = first_of_ours(*report);
    done = true;
  });
  scheduler_.run(scheduler_.now() + 15s, [&] { return done; });
  return told;
}

void World::check_end() {
  auto& found = outcome_.violations;
  for (auto& violation : history_.violations())
    found.push_back(std::move(violation));
  outcome_.undecided = history_.undecided;
  if (auto differs = difference(); !differs.empty()) found.push_back("in the end " + differs);
  const auto& state = ledger_.seen();
  if (!state.lag.empty())
    found.push_back("in the end " + std::to_string(state.lag.size()) + " carts lag");
  std::set<std::string> alive;
  for (const auto& process : processes_) {
    if (process) alive.insert(process->instance());
  }
  for (const auto& [key, row] : state.lanes) {
    if (row.token) found.push_back("in the end a reservation of " + key.instance + " is left");
    // (Of a row whose heartbeat lies ahead of a clock that was set back nobody can tell.)
    if (plan_.to_the_very_end && !history_.clock_was_set && !alive.contains(key.instance))
      found.push_back("in the end a lane row of the dead " + key.instance + " is left");
  }
}

Outcome World::run() {
  ledger_.faults.on_call([this](test::LedgerCall call) { return before_ledger(call); });
  ledger_.faults.on_pause([this](test::LedgerCall) { pause(false); });
  mirror_.faults.on_call([this](test::MirrorCall call) { return before_mirror(call); });
  mirror_.faults.on_pause([this](test::MirrorCall) { pause(true); });
  ledger_.observe(
      [this](const cart::UserId& user, const commit::CartRow*, const commit::CartRow* after) {
        const auto cart = after ? after->cart : cart::Cart{};
        auto& changes = history_.changes[user.text()];
        changes.push_back({.when = scheduler_.now(),
                           .version = cart.version,
                           .state = state_of(cart),
                           .purged = after == nullptr});
        if (options_.trace)
          tell("VISIBLE " + user.text() + " version " + std::to_string(cart.version) + " " +
               to_text(state_of(cart)));
      });
  scheduler_.on_crash = [this](Scheduler::Group group) { died(group); };
  if (options_.trace) outcome_.trace = to_text(plan_);
  processes_.resize(static_cast<std::size_t>(plan_.instances));
  for (int slot = 0; slot < plan_.instances; ++slot)
    start_process(slot);
  for (int i = 0; i < plan_.clients; ++i) {
    clients_.push_back({.left = plan_.requests,
                        .dice = Dice(options_.seed + 77 * static_cast<std::uint64_t>(i + 1)),
                        .last_seen = {}});
    scheduler_.after(dice_.between(0, 300) * 1ms, 0,
                     [this, i] { next_request(static_cast<std::size_t>(i)); });
  }
  schedule_incidents();

  const auto all_answered = [this] {
    return std::ranges::all_of(clients_, [](const Client& one) { return one.left == 0; }) &&
           unanswered_ == 0;
  };
  scheduler_.run(plan_.length, all_answered);
  heal();
  scheduler_.run(scheduler_.now() + 30s, [&] { return all_answered() && quiet(); });
  // What only a backoff or the life of a dead lane's row delays.
  if (!quiet()) scheduler_.run(scheduler_.now() + 90s, [&] { return quiet(); });
  if (plan_.to_the_very_end) scheduler_.run(scheduler_.now() + 80s);
  // Carts may expire until the very end, also while the auditor reads.
  const auto expire = [&] {
    scheduler_.run(scheduler_.now() + 15s, [&] { return unanswered_ == 0 && quiet(); });
  };
  expire();
  if (plan_.verify && quiet()) audit();
  expire();
  check_end();
  scheduler_.kill_all(); // while what the actors refer to is there
  processes_.clear();
  return std::move(outcome_);
}

Outcome run(const Options& options) {
  World world(options);
  return world.run();
}

} // namespace panier::sim
