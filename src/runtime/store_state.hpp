// What this process knows of one store, kept in memory: health answers from it while the store
// hangs, and writes are refused at once while it is down. Changes are logged, once each.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "result/result.hpp"
#include "runtime/clock.hpp"

namespace panier::runtime {

class StoreState {
public:
  enum class Status : std::uint8_t { unknown, up, down };
  struct Snapshot {
    std::string name;
    Status status = Status::unknown;
    std::chrono::microseconds latency{}; // of the last call that was answered
    WallTime since{};                    // when the status last changed
    std::string last_error; // of the last failure, English, no secrets; empty: never failed
    std::string notice; // something an operator must act on ("unique index missing"), else empty
  };

  StoreState(std::string name, const Clock& clock);

  // From now on only found_up() ends "down", and "unknown" is no better than "down": a probe asks
  // for more than whoever happens to get an answer.
  void leave_to_probe();
  // A store whose write fails once more after it was found up, with none that took in between, is
  // on trial, for its answers prove nothing of its writes (a full disk): it stays down for all to
  // see, reads go on, and writes are tried again after each found_up(). One that takes ends it, or
  // trial_max without a failure.
  void found_up(std::chrono::microseconds latency);

  // Each call to the store ends in one of these.
  void answered(std::chrono::microseconds latency);
  void wrote(std::chrono::microseconds latency); // carts
  void failed(const Error& error);
  // Of carts. `begun`: what was sent before the store was found up says nothing of it since.
  void write_failed(const Error& error, SteadyTime begun);
  // All writes have met somebody's lock for too long: on trial from now on.
  void locked_out(const Error& error);
  // A standing complaint: the store answers, but strict writes (mirror) or writes (ledger) must not
  // be acknowledged; nor, with reads_too, reads from the ledger. Empty clears it.
  enum class Forbids : std::uint8_t { writes, reads_too };
  void set_notice(std::string notice, Forbids forbids = Forbids::writes);

  // Cheap; asked for every request. unknown counts as usable, without a probe: the first request
  // finds out.
  [[nodiscard]] bool down() const noexcept { return down_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool on_trial() const;
  [[nodiscard]] SteadyTime last_wrote() const;       // the clock's epoch: never
  [[nodiscard]] bool takes_writes() const noexcept { // as far as the store is concerned
    return !down() && !closed_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool writable() const noexcept {
    return takes_writes() && !noticed_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool readable() const noexcept {
    return !down() && !unreadable_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Snapshot snapshot() const;

  // Of the mirror: may it lack a write that the ledger has a lag row for? At first nobody knows.
  // Who then counts no such row clears the mark that stood before the count; one set since stays.
  [[nodiscard]] bool behind() const noexcept { return behind_mark() != caught_up_.load(); }
  [[nodiscard]] std::uint64_t behind_mark() const noexcept { return behind_.load(); }
  void fell_behind() noexcept { ++behind_; }
  void caught_up(std::uint64_t mark) noexcept { caught_up_.store(mark); }

private:
  static constexpr std::chrono::seconds trial_max{60};
  // under mutex_
  void rise();
  void fall(const Error& error);

  const Clock& clock_;
  std::atomic<bool> down_{false};
  std::atomic<bool> closed_{false}; // to writes, until it is found up
  std::atomic<bool> noticed_{false};
  std::atomic<bool> unreadable_{false};
  std::atomic<std::uint64_t> behind_{1};
  std::atomic<std::uint64_t> caught_up_{0};
  mutable std::mutex mutex_;
  // guarded by mutex_
  Snapshot snapshot_;
  bool probed_ = false;
  bool unproven_ = false; // found up after a failure, and nothing was written since, at rose_at_
  bool on_trial_ = false;
  SteadyTime rose_at_{};
  SteadyTime last_failure_{};
  SteadyTime last_wrote_{};
};

} // namespace panier::runtime
