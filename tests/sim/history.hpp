// What clients asked and were told, what the ledger showed and when; and whether the one explains
// the other. The ledger's commits order everything: each change of a visible cart must be explained
// by operations that were under way at that moment, acknowledged ones exactly once, failed ones
// never; each read and refusal by a state that was visible (or passed through) meanwhile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model.hpp"
#include "scheduler.hpp"

namespace panier::sim {

struct Call {
  // Calls under one Idempotency-Key are one operation.
  int operation = 0;
  bool read = false;
  cart::Operation what; // of a read: the user alone
  Time asked{0};
  Time deadline{0};
  bool excused = false; // from the deadline: its process was frozen
  // Once it is answered, or its process died:
  std::optional<Time> answered{};
  int answers = 0;
  enum class Told : std::uint8_t { nothing, ok, refused, failed, unknown } told = Told::nothing;
  Errc code{};
  cart::Outcome outcome{};     // of a write that is ok
  std::optional<State> seen{}; // of a read; nullopt: of the mirror, which promises less
  cart::Version seen_version = 0;
};
[[nodiscard]] std::string to_text(const Call& call);

struct Change {
  Time when{0};
  cart::Version version = 0;
  State state;
  bool restored = false; // from a backup: not a change but a new beginning
  bool purged = false;   // a tombstone went: nobody sees it, but its version
};

class History {
public:
  std::vector<Call> calls;
  std::map<std::string, std::vector<Change>> changes; // by user, in the order of the commits
  bool clock_was_set = false; // then versions may be given again after a restored backup

  // One line for each promise that was not kept; empty: all were.
  [[nodiscard]] std::vector<std::string> violations();
  int undecided = 0; // carts whose story had too many explanations to look at all
};

} // namespace panier::sim
