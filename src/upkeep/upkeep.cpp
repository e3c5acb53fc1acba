#include "upkeep/upkeep.hpp"

#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"
#include "upkeep/limits.hpp"

namespace panier::upkeep {
namespace {

constexpr auto stop_noticed_within = 20ms;

} // namespace

Upkeep::Upkeep(Stores stores, Settings settings, Expiry::Submit submit)
    : settings_(std::move(settings)), stores_(std::move(stores)), lists_(stores_),
      repair_(stores_, [this] { return look_at_lists(); }),
      purge_(stores_, settings_.keep, [this] { return look_at_lists(); }),
      expiry_(stores_, settings_.cart_ttl, std::move(submit)),
      verify_(
          stores_,
          [this](std::chrono::milliseconds wait) {
            urgent_steps(); // a page of many differences takes long
            settings_.wait(wait);
            return !stop_;
          },
          Verify::Mode::continuous),
      lists_turn_{.every = abandoned_every}, dead_turn_{.every = dead_rows_every},
      lag_turn_{.every = lag_every}, purge_turn_{.every = purge_every},
      expiry_turn_{.every = expiry_every}, verify_turn_{.every = 1'000ms} {}

void Upkeep::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    runtime::name_this_thread("upkeep");
    while (!stop.stop_requested()) {
      run_once();
      const auto until = std::chrono::steady_clock::now() + tick;
      while (!stop.stop_requested() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(stop_noticed_within);
      }
    }
  });
}

void Upkeep::stop() {
  stop_ = true;
  thread_ = {};
}

void Upkeep::run_once() {
  if (!stores_.ledger_state.writable()) return; // everything here needs the ledger
  urgent_steps();
  step(dead_turn_, "dead lane rows", [this] { return lists_.delete_dead_rows(); });
  step(purge_turn_, "purge", [this] { return purge_.run_once(); });
  step(expiry_turn_, "expiry", [this] { return expiry_.run_once(); });
  if (stores_.mirror && settings_.verify_rows_per_s > 0 && !stores_.mirror_state.down()) {
    step(verify_turn_, "verify", [this] { return verify_some(); });
  }
}

// What somebody waits for: carts in a dead lane's list cannot be written, and a lag is a difference
// between the stores.
void Upkeep::urgent_steps() {
  look_at_lists();
  if (!stores_.mirror) return;
  step(lag_turn_, "lag repair", [this]() -> Result<void> {
    const auto left = repair_.run_once();
    if (!left) return std::unexpected(left.error());
    lag_.store(*left, std::memory_order_relaxed);
    return {};
  });
}

bool Upkeep::look_at_lists() {
  step(lists_turn_, "abandoned lists", [this] { return lists_.run_once(); });
  return !stop_;
}

void Upkeep::step(Turn& turn, std::string_view name, const std::function<Result<void>()>& work) {
  const auto now = stores_.clock.steady();
  if (now < turn.next || stop_) return;
  turn.next = now + turn.every;
  const auto done = work();
  if (done) turn.told.clear();
  if (done || done.error().code == Errc::store_conflict) return;
  const auto& detail = done.error().detail;
  if (turn.told == detail && now < turn.told_at + complaint_every) return;
  turn.told = detail;
  turn.told_at = now;
  runtime::log::warn("upkeep step failed",
                     {{"step", name}, {"error", to_string(done.error().code)}, {"detail", detail}});
}

Result<void> Upkeep::verify_some() {
  const auto page = verify_.next_page(settings_.verify_rows_per_s);
  if (!page) return std::unexpected(page.error());
  verify_round_differences_ += page->differences;
  if (!verify_.in_round()) {
    stores_.metrics.verify_differences(verify_round_differences_);
    verify_round_differences_ = 0;
  }
  return {};
}

} // namespace panier::upkeep
