// `failed_cart_requests.log`, in the platform's line format: one record for each cart request that
// a store failed, for the operator who repairs by hand and for the scripts that already read this
// file.
//
//   2026-11-25T02:00:00.123Z | MARIADB_CART PATCH ADD FAILED | data=... | error=...
//
// record() never waits: a bounded queue and a background thread stand between it and the disk.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "runtime/clock.hpp"
#include "runtime/log.hpp"

namespace panier::runtime {

class FailureLog {
public:
  enum class Store : std::uint8_t { mariadb, mongo }; // also the embedded stand-ins of each
  enum class Operation : std::uint8_t { insert, add, edit, remove, erase, empty };

  static constexpr std::size_t record_bytes_max = 4096; // line end included
  static constexpr std::size_t data_bytes_max = 2048;   // of what stands after data=, escaped
  static constexpr std::size_t error_bytes_max = 1024;  // of what stands after error=, escaped
  static constexpr std::size_t queue_records_max = 512;
  static constexpr int burst_records_max = 200;
  static constexpr int records_per_second_max = 50;
  // What was left out is told at most this late.
  static constexpr std::chrono::seconds left_out_told_every{1};

  // A path that cannot be opened is told in the service's log; records are left out and counted,
  // and opening is tried again on reopen() and, while there is something to tell, every
  // left_out_told_every.
  FailureLog(std::filesystem::path path, const Clock& clock);
  // Writes what is queued, then what was left out.
  ~FailureLog();
  FailureLog(const FailureLog&) = delete;
  FailureLog& operator=(const FailureLog&) = delete;

  // `data` is what the request wanted, `error` why the store did not do it; control characters are
  // escaped and both are cut to their bound. Beyond the rate or a full queue the record is left out
  // and counted.
  void record(Store store, Operation operation, std::string_view data, std::string_view error);

  // For SIGHUP: what comes from now on goes to a file newly opened at the path. Returns at once;
  // not for a signal handler itself.
  void reopen();

  // Waits until what was recorded and asked for before is done. For tests and for the end of a
  // command.
  void flush();

  // Records left out since the start.
  [[nodiscard]] std::uint64_t left_out() const noexcept {
    return left_out_.load(std::memory_order_relaxed);
  }

private:
  struct Kind {
    Store store;
    Operation operation;
  };
  struct Item {
    Kind kind;
    std::string line; // empty: open the file anew
  };
  using Counts = std::array<std::uint64_t, 12>; // two stores, six operations

  void run();
  void carry_out(const Item& item);
  void open_file();
  [[nodiscard]] bool write_line(const std::string& line);
  void tell(const Counts& untold);
  [[nodiscard]] bool take_token(); // REQUIRES mutex_

  // Set once, or atomic.
  const std::filesystem::path path_;
  const Clock& clock_;
  std::atomic<std::uint64_t> left_out_{0};

  // Of the background thread.
  int fd_ = -1;       // -1: not open
  bool torn_ = false; // the file ends in half a record
  SteadyTime told_at_{};
  log::Limited complaints_; // about the file itself

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::deque<Item> queue_;
  double tokens_ = burst_records_max;
  SteadyTime tokens_at_;
  Counts untold_{}; // left out and not yet told in the file
  std::uint64_t flushes_asked_ = 0;
  std::uint64_t flushes_done_ = 0;
  bool stop_ = false;

  std::thread thread_; // last: uses all of the above
};

} // namespace panier::runtime
