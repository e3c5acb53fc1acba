// Work nobody asked for, on one thread with its own connections: abandoned lists, lag repair,
// purge, expiry, continuous verify. Each piece runs at its own pace; one that fails is told and
// tried again at its next turn.
#pragma once

#include <atomic>
#include <thread>

#include "upkeep/abandoned_lists.hpp"
#include "upkeep/expiry.hpp"
#include "upkeep/lag_repair.hpp"
#include "upkeep/purge.hpp"
#include "upkeep/verify.hpp"

namespace panier::upkeep {

class Upkeep {
public:
  struct Settings {
    std::chrono::milliseconds keep{std::chrono::hours{24}}; // tombstones and idempotency keys
    std::chrono::hours cart_ttl{0};                         // 0: carts do not expire
    int verify_rows_per_s = 0;                              // 0: no continuous verify
    // Between two looks of the continuous verify; a simulator moves its clock instead.
    std::function<void(std::chrono::milliseconds)> wait = [](std::chrono::milliseconds time) {
      std::this_thread::sleep_for(time);
    };
  };
  Upkeep(Stores stores, Settings settings, Expiry::Submit submit);
  ~Upkeep() { stop(); }
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // At start, before any lane runs, with a ledger that only this process may have open.
  Result<void> abort_all_lists() { return lists_.abort_all(); }
  void start();
  // Returns after the current step's page, which the drivers' timeouts bound.
  void stop();

  // Everything that is due now. Public for tests; the thread calls it.
  void run_once();
  // Carts whose mirror copy is known to be behind, as of the last look.
  [[nodiscard]] std::int64_t lag() const { return lag_.load(std::memory_order_relaxed); }

private:
  struct Turn {
    std::chrono::milliseconds every;
    runtime::SteadyTime next{};
    std::string told = {}; // the failure that the log has already
    runtime::SteadyTime told_at{};
  };
  void step(Turn& turn, std::string_view name, const std::function<Result<void>()>& work);
  void urgent_steps();
  bool look_at_lists(); // false: stop
  [[nodiscard]] Result<void> verify_some();

  // set once
  const Settings settings_;

  // the upkeep thread alone
  Stores stores_;
  AbandonedLists lists_;
  LagRepair repair_;
  Purge purge_;
  Expiry expiry_;
  Verify verify_;
  std::int64_t verify_round_differences_ = 0;
  Turn lists_turn_, dead_turn_, lag_turn_, purge_turn_, expiry_turn_, verify_turn_;

  std::atomic<std::int64_t> lag_{0};
  std::atomic<bool> stop_{false};
  std::jthread thread_;
};

} // namespace panier::upkeep
