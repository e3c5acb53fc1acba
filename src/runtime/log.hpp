// The service's log: one JSON object a line on standard error, `ts`, `level`, `msg`, then the
// fields.
//
// A call renders its line and hands it to a bounded queue; a background thread writes. Nothing here
// ever waits for whoever reads the log: a full pipe loses lines, never requests, and the loss is
// counted and told in the log itself.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/clock.hpp"

namespace panier::runtime::log {

enum class Level : std::uint8_t { debug, info, warn, error };
[[nodiscard]] std::string_view to_string(Level level) noexcept;

inline constexpr std::size_t queue_lines_max = 2048; // the oldest go first
// Line end included. Not above PIPE_BUF, so that a pipe takes a line whole or not at all.
inline constexpr std::size_t line_bytes_max = 4096;

// A key and a value. Holds views: make it in the call.
class Field {
public:
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view field_key, std::string_view text) : key(field_key), value(text) {}
  Field(std::string_view field_key, const char* text)
      : key(field_key), value(std::string_view(text)) {}
  Field(std::string_view field_key, const std::string& text)
      : key(field_key), value(std::string_view(text)) {}
  Field(std::string_view field_key, bool flag) : key(field_key), value(flag) {}
  Field(std::string_view field_key, std::signed_integral auto number)
      : key(field_key), value(static_cast<std::int64_t>(number)) {}
  Field(std::string_view field_key, std::unsigned_integral auto number)
      : key(field_key), value(static_cast<std::uint64_t>(number)) {}
  Field(std::string_view field_key, std::floating_point auto number)
      : key(field_key), value(static_cast<double>(number)) {}

  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

// While a Session lives, lines are written; without one they go nowhere (unit tests are quiet). One
// at a time in a process. Make it first and destroy it last: every thread that logs has ended by
// then. Its end writes what is queued, but waits for a full pipe at most 100 ms in all.
class Session {
public:
  // `fd` is written to and stays the caller's; standard error unless a test says otherwise. `clock`
  // gives `ts`.
  Session(Level level, const Clock& clock, int fd = 2);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Lines below this level are not even rendered. May change while running.
void set_level(Level level) noexcept;
[[nodiscard]] bool enabled(Level level) noexcept;

void write(Level level, std::string_view message, Fields fields = {});
inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}

// Lines lost since the process started: the queue was full, or whoever reads the log did not.
[[nodiscard]] std::uint64_t lost() noexcept;

// For what may repeat a thousand times a second: pass() is set at most once an interval, to the
// number of calls held back since. `if (auto held = limited.pass()) log::warn("...", {{"held_back",
// *held}});` Thread-safe.
class Limited {
public:
  Limited(const Clock& clock, std::chrono::milliseconds interval)
      : clock_(clock), interval_(interval) {}
  [[nodiscard]] std::optional<std::uint64_t> pass();

private:
  const Clock& clock_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::optional<SteadyTime> last_; // guarded by mutex_
  std::uint64_t held_back_ = 0;    // guarded by mutex_
};

// The line of one call, without its line end; write() is this and the queue. Never longer than
// line_bytes_max - 1.
[[nodiscard]] std::string render(WallTime time, Level level, std::string_view message,
                                 Fields fields);

} // namespace panier::runtime::log
