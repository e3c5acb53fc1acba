// What goes wrong in a run: at a call of a store, by chance or by a script, and at a time.
#include <array>

#include "world_inside.hpp"

namespace panier::sim {

using namespace std::chrono_literals;
using test::Fault;
using test::LedgerCall;
using test::MirrorCall;

namespace {

std::string_view name_of(LedgerCall call) {
  static constexpr std::array names = {
      "prepare",    "open",       "lock",     "look",    "commit",
      "last_batch", "read",       "ping",     "lanes",   "delete_dead_lanes",
      "lagging",    "lag_count",  "lag_done", "add_lag", "purgeable",
      "untouched",  "purge_keys", "scan",     "misnamed"};
  static_assert(names.size() == static_cast<std::size_t>(LedgerCall::misnamed) + 1);
  return names.at(static_cast<std::size_t>(call));
}
std::string_view name_of(MirrorCall call) {
  static constexpr std::array names = {"write", "find",   "ping", "ensure_index",
                                       "purge", "remove", "scan"};
  static_assert(names.size() == static_cast<std::size_t>(MirrorCall::scan) + 1);
  return names.at(static_cast<std::size_t>(call));
}

constexpr Time ledger_read_timeout = 3s;

} // namespace

// Is this trouble let happen? It is named so that it can be left out.
bool World::happens(const std::string& trouble) {
  if (options_.without.contains(trouble)) return false;
  outcome_.troubles.push_back(trouble);
  tell("TROUBLE " + trouble);
  return true;
}

bool World::strikes(double odds, const char* what) {
  auto& self = *scheduler_.self();
  if (healing_ || odds <= 0 || !self.dice.chance(odds)) return false;
  return happens(self.name + "#" + std::to_string(self.calls) + " " + what);
}

void World::maybe_crash(const char* when) {
  if (strikes(plan_.odds.crash, when)) scheduler_.crash();
}

std::optional<Fault> World::before_ledger(LedgerCall call) {
  auto& self = *scheduler_.self();
  ++self.calls;
  if (options_.trace) tell("ledger " + std::string(name_of(call)));
  if (const auto scripted = next_scripted()) {
    scheduler_.sleep(300us);
    return ledger_fault(call, *scripted);
  }
  maybe_crash("crash before the ledger");
  const auto& odds = plan_.odds;
  const bool slow = strikes(odds.slow, "slow ledger");
  scheduler_.sleep(slow ? self.dice.between(1, 2'900) * 1ms : self.dice.between(50, 700) * 1us);
  return call == LedgerCall::commit ? commit_fault() : call_fault(slow);
}

std::optional<Fault> World::call_fault(bool slow) {
  auto& self = *scheduler_.self();
  const auto& odds = plan_.odds;
  const Error silent{Errc::store_timeout, {}, "simulated: no answer"};
  if (ledger_trouble_ == Trouble::refuses)
    return Fault{{Errc::store_unreachable, {}, "simulated: refused"}};
  if (slow) return std::nullopt;
  if (ledger_trouble_ == Trouble::hangs || strikes(odds.lost_request, "ledger request lost")) {
    scheduler_.sleep(ledger_read_timeout);
    return Fault{silent};
  }
  if (strikes(odds.refused, "ledger connection cut"))
    return Fault{{Errc::store_unreachable, {}, "simulated: cut"}};
  if (strikes(odds.conflict, "ledger conflict"))
    return Fault{{Errc::store_conflict, {}, "simulated: deadlock"}};
  if (strikes(odds.unservable, "ledger cannot serve it")) {
    const auto code = self.dice.chance(0.5) ? Errc::store_corrupt : Errc::schema_unmigrated;
    return Fault{{code, {}, "simulated: cannot be served"}};
  }
  if (strikes(odds.lost_answer, "ledger answer lost")) {
    self.silence = ledger_read_timeout;
    return Fault{silent, true};
  }
  return std::nullopt;
}

std::optional<Fault> World::commit_fault() {
  auto& self = *scheduler_.self();
  const Error unknown{Errc::commit_unknown, {}, "simulated: COMMIT not answered"};
  const auto& odds = plan_.odds;
  if (ledger_trouble_ == Trouble::refuses) // the connection broke, perhaps after it was done
    return Fault{unknown, self.dice.chance(0.2)};
  if (ledger_trouble_ == Trouble::hangs || strikes(odds.hanging_commit, "COMMIT hangs")) {
    const Time decided = self.dice.between(100, 9'000) * 1ms;
    const bool done = self.dice.chance(0.5);
    scheduler_.after(decided, 0, [this, done] { ledger_.decide_hanging(done); });
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
  auto& self = *scheduler_.self();
  ++self.calls;
  if (options_.trace) tell("mirror " + std::string(name_of(call)));
  if (const auto scripted = next_scripted()) {
    scheduler_.sleep(500us);
    return mirror_fault(call, *scripted);
  }
  maybe_crash("crash before the mirror");
  const auto& odds = plan_.odds;
  const bool slow = strikes(odds.slow, "slow mirror");
  scheduler_.sleep(slow ? self.dice.between(1, 1'000) * 1ms : self.dice.between(100, 3'000) * 1us);
  const Time timeout = plan_.timing.mirror_timeout;
  const Error silent{Errc::store_timeout, {}, "simulated: no answer"};
  if (mirror_trouble_ == Trouble::refuses || strikes(odds.refused, "mirror connection cut"))
    return Fault{{Errc::store_unreachable, {}, "simulated: refused"}};
  if (slow) return std::nullopt;
  if (mirror_trouble_ == Trouble::hangs || strikes(odds.lost_request, "mirror request lost")) {
    scheduler_.sleep(timeout);
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
    scheduler_.after(late, 0, [this, twice] { mirror_.deliver_late(twice); });
    if (twice) scheduler_.after(late + 500ms, 0, [this] { mirror_.deliver_late(); });
    self.silence = timeout;
    scheduler_.sleep(timeout);
    return Fault{silent, false, true};
  }
  if (strikes(odds.partial, "bulk in part")) judge_next_bulk();
  return std::nullopt;
}

// ---- faults by a script

// The fault of the call that begins, if the script has one for it.
std::optional<Script::Fault> World::next_scripted() {
  if (!options_.script || operations_ < 2 || healing_ || !scheduler_.self()->name.contains("lane"))
    return std::nullopt;
  const int call = outcome_.scripted_calls++;
  for (const auto& [at, fault] : options_.script->at) {
    if (at != call) continue;
    outcome_.troubles.push_back(to_text(*options_.script));
    tell("TROUBLE " + to_text(*options_.script));
    if (fault == Script::Fault::crash_before) scheduler_.crash();
    if (fault == Script::Fault::crash_after) crash_at_pause_ = scheduler_.self();
    return fault;
  }
  return std::nullopt;
}

std::optional<Fault> World::ledger_fault(LedgerCall call, Script::Fault fault) {
  auto& self = *scheduler_.self();
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
      scheduler_.after(done ? 12s : 2s, 0, [this, done] { ledger_.decide_hanging(done); });
      self.silence = ledger_read_timeout;
      return Fault{silent, false, true};
    }
    scheduler_.sleep(ledger_read_timeout);
    return Fault{silent};
  case Script::Fault::crash_before:
  case Script::Fault::crash_after: break;
  }
  return std::nullopt;
}

std::optional<Fault> World::mirror_fault(MirrorCall call, Script::Fault fault) {
  auto& self = *scheduler_.self();
  const Error cut{Errc::store_unreachable, {}, "scripted: cut"};
  const Error silent{Errc::store_timeout, {}, "scripted: silence"};
  const Time timeout = plan_.timing.mirror_timeout;
  switch (fault) {
  case Script::Fault::error_before: return Fault{cut};
  case Script::Fault::error_after: return Fault{cut, true};
  case Script::Fault::answer_lost: self.silence = timeout; return Fault{silent, true};
  case Script::Fault::hang_undone:
  case Script::Fault::hang_done:
    scheduler_.sleep(timeout);
    if (call == MirrorCall::write && fault == Script::Fault::hang_done) {
      scheduler_.after(9s, 0, [this] { mirror_.deliver_late(); });
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
  auto& self = *scheduler_.self();
  mirror_.judge(
      [this, &self](const commit::MirrorWrite&) -> std::optional<test::MemoryMirrorStore::Verdict> {
        if (scheduler_.self() != &self) return std::nullopt;
        const auto choice = self.dice.between(0, 4);
        if (choice == 0) return std::nullopt;
        if (choice == 1) return test::MemoryMirrorStore::Verdict{commit::Took::failed, false};
        return test::MemoryMirrorStore::Verdict{commit::Took::unknown, choice % 2 == 0};
      });
  scheduler_.after(10ms, 0, [this] { mirror_.judge({}); });
}

// Between the steps of a call, and before its answer.
void World::pause(bool mirror) {
  auto& self = *scheduler_.self();
  if (std::exchange(crash_at_pause_, nullptr) == &self) scheduler_.crash();
  maybe_crash(mirror ? "crash after the mirror" : "crash after the ledger");
  scheduler_.sleep(std::exchange(self.silence, 0us) + self.dice.between(20, 400) * 1us);
}

void World::schedule_incidents() {
  for (const auto& incident : plan_.incidents)
    scheduler_.at(incident.when, 0, [this, &incident] { this->incident(incident); });
}

void World::incident(const Incident& one) {
  if (healing_ || !happens(to_text(one))) return;
  switch (one.kind) {
  case Incident::Kind::ledger_down:
    ledger_trouble_ = one.flag ? Trouble::hangs : Trouble::refuses;
    if (!one.flag) { // a crashed server: what was open is gone
      ledger_.end_open_transactions();
      ledger_.decide_hanging(dice_.chance(0.5));
      ledger_.release_orphans();
    }
    scheduler_.after(one.length, 0, [this] { ledger_trouble_ = Trouble::none; });
    return;
  case Incident::Kind::mirror_down:
    mirror_trouble_ = one.flag ? Trouble::hangs : Trouble::refuses;
    scheduler_.after(one.length, 0, [this] { mirror_trouble_ = Trouble::none; });
    return;
  case Incident::Kind::freeze:
    for (auto& process : processes_) {
      if (!process || process->slot != one.slot) continue;
      scheduler_.freeze(process->group, scheduler_.now() + one.length);
      for (std::size_t i = 0; i < sent_.size(); ++i) {
        if (sent_[i].group == process->group && !history_.calls[i].answered)
          history_.calls[i].excused = true;
      }
      // The server does not wait for a transaction whose owner sleeps.
      if (one.length > 5s) scheduler_.after(5s, 0, [this] { ledger_.end_open_transactions(); });
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
  case Incident::Kind::mirror_edit: return edit_mirror(one.choice);
  case Incident::Kind::row_unreadable: {
    const auto user = user_name(1 + one.choice % plan_.carts);
    spoil_row(user, true);
    scheduler_.after(one.length, 0, [this, user] { spoil_row(user, false); });
    return;
  }
  case Incident::Kind::rows_refused:
    ledger_.refuse_rows([user = cart::UserId::parse(user_name(1 + one.choice % plan_.carts))](
                            const commit::CartRow& row) {
      return row.user == user.value() && !row.cart.lines.empty();
    });
    scheduler_.after(one.length, 0, [this] { ledger_.refuse_rows({}); });
    return;
  case Incident::Kind::long_after:
    history_.clock_was_set = true;
    clock_.set(3h);
    return;
  case Incident::Kind::stop: {
    auto& process = processes_[static_cast<std::size_t>(one.slot)];
    if (process) stop(process->group, one.length);
    return;
  }
  case Incident::Kind::ledger_backup: backup_ = ledger_.state(); return;
  case Incident::Kind::ledger_restore: return restore_ledger();
  }
}

} // namespace panier::sim
