// Where log lines end: a descriptor that may be a full pipe. Private to log.cpp.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <string_view>

namespace panier::runtime::log {

// Used by one thread, but hurry() by any.
class Output {
public:
  // How long a pipe that has just filled up is waited for. Once that is spent, lines are dropped
  // without a wait until the pipe takes one again: a reader that is merely slow loses nothing, one
  // that stopped costs this once.
  static constexpr std::chrono::milliseconds patience_max{100};

  explicit Output(int fd);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // The whole line, or false. `line` ends in '\n' and is at most line_bytes_max long.
  [[nodiscard]] bool write(std::string_view line);
  // From now on patience is not renewed: what is queued is written within patience_max or dropped.
  void hurry() noexcept { hurry_.store(true, std::memory_order_relaxed); }

private:
  [[nodiscard]] bool writable();
  [[nodiscard]] ssize_t write_some(std::string_view bytes);

  int fd_ = -1;         // our own; -1: nothing can be written
  bool torn_ = false;   // it ends in half a line: the disk was full
  bool socket_ = false; // journald and some supervisors hand a socket over
  std::chrono::milliseconds patience_ = patience_max;
  std::atomic<bool> hurry_{false};
};

} // namespace panier::runtime::log
