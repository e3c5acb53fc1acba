#include "upkeep/probe.hpp"

#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"
#include "upkeep/limits.hpp"
#include "upkeep/lost_ledger.hpp"

namespace panier::upkeep {
namespace {

using Forbids = runtime::StoreState::Forbids;

constexpr auto index_check_every = 5'000ms;

// Until the next question, but no longer than a stop needs to be noticed.
void pause(const std::stop_token& stop) {
  const auto until = std::chrono::steady_clock::now() + probe_every;
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(20ms);
}

template <class Probe>
std::jthread probing(Probe& probe, const char* name) {
  return std::jthread([&probe, name](const std::stop_token& stop) {
    runtime::name_this_thread(name);
    while (!stop.stop_requested()) {
      probe.run_once();
      pause(stop);
    }
  });
}

} // namespace

LedgerProbe::LedgerProbe(const runtime::Clock& clock, commit::LedgerStore& store,
                         runtime::StoreState& state, bool prepared, commit::MirrorStore* mirror,
                         commit::Mirror::Timeout mirror_timeout)
    : clock_(clock), store_(store), state_(state), ledger_(store.connect()),
      mirror_timeout_(mirror_timeout), prepared_(prepared),
      mirror_(mirror == nullptr ? nullptr : mirror->connect()) {
  if (!prepared_) state_.set_notice("schema not checked yet", Forbids::reads_too);
}

void LedgerProbe::run_once() {
  if (prepared_ || prepare()) {
    const auto started = clock_.steady();
    const auto answer = ledger_->ping();
    if (answer) {
      if (mirror_) look_whether_lost(); // before anybody takes it for up
      state_.answered(
          std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - started));
    } else if (answer.error().code != Errc::store_conflict) {
      state_.failed(answer.error());
    }
  }
}

bool LedgerProbe::prepare() {
  const auto done = store_.prepare();
  if (done) {
    if (!mirror_) state_.set_notice({});
    return prepared_ = true;
  }
  if (done.error().code == Errc::schema_unmigrated) {
    state_.answered({});
    state_.set_notice(done.error().detail, Forbids::reads_too); // it says what to do
  } else {
    state_.failed(done.error());
  }
  return false;
}

void LedgerProbe::look_whether_lost() {
  const auto lost = seems_lost(*ledger_, *mirror_, mirror_timeout_);
  if (!lost)
    return state_.set_notice("not known yet whether the ledger was lost: " + lost.error().detail);
  state_.set_notice(*lost, Forbids::reads_too); // carts are shown as the mirror has them
  if (lost->empty()) mirror_.reset();
}

void LedgerProbe::start() {
  thread_ = probing(*this, "ledger-probe");
}
void LedgerProbe::stop() {
  thread_ = {};
}

MirrorProbe::MirrorProbe(const runtime::Clock& clock, commit::MirrorStore& store,
                         runtime::StoreState& state, commit::Mirror::Timeout timeout)
    : clock_(clock), state_(state), mirror_(store.connect()), timeout_(timeout) {}

void MirrorProbe::run_once() {
  const auto started = clock_.steady();
  const auto answer = mirror_->ping(timeout_);
  const auto took = clock_.steady() - started;
  const auto checked = answer ? check_index() : answer;
  if (checked) {
    state_.answered(std::chrono::duration_cast<std::chrono::microseconds>(took));
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
  thread_ = probing(*this, "mirror-probe");
}
void MirrorProbe::stop() {
  thread_ = {};
}

} // namespace panier::upkeep
