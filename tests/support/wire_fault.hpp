// Faults that the wire double shows when it is told to: what a real MongoDB does on a bad day, on
// demand.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panier::support {

struct WireFault {
  enum class Kind : std::uint8_t {
    error,        // answers ok: 0 with `code`; no effect
    write_errors, // writeErrors with `code` at `indexes` (none given: at each); those have no
                  // effect, the rest do
    short_bulk,   // runs a bulk's first statement and says nothing of the others
    write_concern_error, // the effect, and a writeConcernError with `code`
    delay,               // waits for `delay`, then as usual
    drop_before,         // closes the connection; no effect
    drop_after,          // the effect, then closes the connection
    half_reply,          // the effect, half an answer, then closes the connection
    hang_before,         // silence, no effect, until the faults are cleared: then as usual
    hang_after,          // the effect, then silence until the faults are cleared: then the answer
  };

  std::string command; // "update", "find", "hello", ..; "*": every command
  Kind kind = Kind::error;
  int skip = 0;  // lets this many matching commands pass first
  int times = 1; // then takes this many; -1: until cleared
  int code = 0;
  std::vector<int> indexes = {};
  std::chrono::milliseconds delay{0};
};

[[nodiscard]] std::string_view to_string(WireFault::Kind kind);
[[nodiscard]] std::optional<WireFault::Kind> parse_fault_kind(std::string_view name);

} // namespace panier::support
