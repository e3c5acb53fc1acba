#include "upkeep/probe.hpp"

#include <algorithm>
#include <utility>

#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"
#include "upkeep/limits.hpp"

namespace panier::upkeep {
namespace {

using Forbids = runtime::StoreState::Forbids;

constexpr auto index_check_every = 5'000ms;

// Until the next question, but no longer than a stop needs to be noticed.
void pause(const std::stop_token& stop, const runtime::StoreState& state) {
  const auto until = std::chrono::steady_clock::now() + probe_every;
  const bool was_down = state.down();
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(20ms);
    if (!was_down && state.down()) return;
  }
}

template <class Probe>
std::jthread probing(Probe& probe, const runtime::StoreState& state, const char* name) {
  return std::jthread([&probe, &state, name](const std::stop_token& stop) {
    runtime::name_this_thread(name);
    while (!stop.stop_requested()) {
      probe.run_once();
      pause(stop, state);
    }
  });
}

} // namespace

LedgerProbe::LedgerProbe(const runtime::Clock& clock, commit::LedgerStore& store,
                         runtime::StoreState& state, bool prepared, commit::MirrorStore* mirror)
    : clock_(clock), store_(store), state_(state), ledger_(store.connect()),
      mirror_(mirror == nullptr ? nullptr : mirror->connect()), prepared_(prepared) {
  state_.leave_to_probe();
  if (!prepared_) state_.set_notice("schema not checked yet", Forbids::reads_too);
}

void LedgerProbe::run_once() {
  if (!prepared_ && !prepare()) return;
  const auto started = clock_.steady();
  if (!ask()) return;
  const auto took = clock_.steady() - started;
  if (!look_whether_lost()) return;
  state_.found_up(std::chrono::duration_cast<std::chrono::microseconds>(took));
}

bool LedgerProbe::ask() {
  const auto answer = ledger_->ping();
  if (!answer && answer.error().code != Errc::store_conflict) state_.failed(answer.error());
  return answer.has_value();
}

bool LedgerProbe::look_whether_lost() {
  const auto look = mirror_ ? is_lost(*ledger_, *mirror_) : Result<Lost>{};
  if (!look) {
    if (look.error().code != Errc::store_conflict) state_.failed(look.error());
    return false;
  }
  switch (look->is) {
  case Lost::Is::likely: // carts are shown as the mirror has them
    state_.set_notice(look->why, Forbids::reads_too);
    break;
  case Lost::Is::unknown: // no better news than before
    if (last_look_ == Lost::Is::likely) return true;
    state_.set_notice(look->why);
    break;
  case Lost::Is::no:
    // A migration that has begun meanwhile empties both stores for a moment.
    if (last_look_ != Lost::Is::no && !prepare()) return false;
    state_.set_notice({});
  }
  last_look_ = look->is;
  return true;
}

bool LedgerProbe::prepare() {
  const auto done = store_.prepare();
  prepared_ = done.has_value();
  if (prepared_) return true;
  if (done.error().code == Errc::schema_unmigrated) {
    state_.set_notice(done.error().detail, Forbids::reads_too); // it says what to do
    state_.found_up({});
  } else {
    state_.failed(done.error());
  }
  return false;
}

void LedgerProbe::start() {
  thread_ = probing(*this, state_, "ledger-probe");
}
void LedgerProbe::stop() {
  thread_ = {};
}

MirrorProbe::MirrorProbe(const runtime::Clock& clock, commit::MirrorStore& store,
                         runtime::StoreState& state, commit::Mirror::Timeout timeout)
    : clock_(clock), state_(state), mirror_(store.connect()), timeout_(timeout) {
  state_.leave_to_probe();
}

void MirrorProbe::run_once() {
  const auto started = clock_.steady();
  const auto answer = mirror_->ping(
      std::exchange(first_, false) ? std::min<commit::Mirror::Timeout>(timeout_, first_ping_max)
                                   : timeout_);
  const auto took = clock_.steady() - started;
  const auto checked = answer ? check_index() : answer;
  if (checked) {
    state_.found_up(std::chrono::duration_cast<std::chrono::microseconds>(took));
  } else {
    index_known_ = false; // whoever comes back may be another one
    state_.failed(checked.error());
  }
}

Result<void> MirrorProbe::check_index() {
  if (index_known_ && clock_.steady() - index_checked_ < index_check_every) return {};
  const auto index = mirror_->ensure_index(true, timeout_);
  if (!index) return std::unexpected(index.error());
  index_checked_ = clock_.steady();
  index_known_ = *index != commit::IndexState::missing;
  if (*index == commit::IndexState::built)
    runtime::log::warn("the mirror's unique index user_id_1 was missing, it is built");
  state_.set_notice(
      index_known_ ? ""
                   : "unique index user_id_1 is missing and cannot be built: duplicate user_id?");
  return {};
}

void MirrorProbe::start() {
  thread_ = probing(*this, state_, "mirror-probe");
}
void MirrorProbe::stop() {
  thread_ = {};
}

} // namespace panier::upkeep
