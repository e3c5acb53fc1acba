// What a run is like: how many of everything, how likely each trouble is, and the incidents with
// their times. Each run leaves most troubles out, so that those it has meet each other undisturbed.
#pragma once

#include <string>
#include <vector>

#include "cart/cart.hpp"
#include "commit/limits.hpp"
#include "commit/policy.hpp"
#include "dice.hpp"
#include "scheduler.hpp"

namespace panier::sim {

// Of each trouble at one call of a store.
struct Odds {
  double crash = 0; // of the process, before or after the call's effect
  double slow = 0;
  double lost_request = 0;   // silence until the timeout, no effect
  double lost_answer = 0;    // silence until the timeout, after the effect
  double refused = 0;        // an error at once, no effect
  double conflict = 0;       // deadlock, lock timeout
  double lost_commit = 0;    // COMMIT without an answer, done or not
  double hanging_commit = 0; // decided later, with its locks held until then
  double rejected = 0;       // a row that the ledger refuses
  double unservable = 0;     // a ledger that answers, but cannot do what is asked of it
  double late = 0;           // a bulk that arrives after its timeout, perhaps twice
  double partial = 0;        // a bulk with errors and write concern errors
  double half_open = 0;      // of a crash: its transaction's locks stay
};

struct Incident {
  enum class Kind : std::uint8_t {
    ledger_down,
    mirror_down,
    freeze,
    end_transactions,
    ledger_clock,
    process_clock,
    policy,
    mirror_backup,
    mirror_restore,
    mirror_edit, // by hand
    row_unreadable,
    rows_refused, // of one cart, while it has lines
    long_after,   // nobody came for hours: carts expire
    stop,         // as SIGTERM does
    ledger_backup,
    ledger_restore
  };
  Kind kind{};
  Time when{0};
  Time length{0};
  int slot = 0;      // of the instance
  bool flag = false; // hangs, forward, strict, of a newer day
  int choice = 0;    // below Incident::choices: of the edits, of the carts
  static constexpr int choices = 14;
};
[[nodiscard]] std::string to_text(const Incident& incident);

// Faults at chosen calls, instead of by chance: the calls of a store that the lanes make once the
// operation under test is sent, counted from 0.
struct Script {
  enum class Fault : std::uint8_t {
    error_before, // an error at once, no effect
    error_after,  // an error at once, after the effect
    answer_lost,  // silence until the timeout, after the effect
    hang_undone,  // silence; what hangs is given up in the end
    hang_done,    // silence; what hangs is done in the end, past every deadline
    crash_before,
    crash_after
  };
  static constexpr int faults = 7;
  cart::OperationKind operation{};
  commit::Policy policy{};
  std::vector<std::pair<int, Fault>> at;
};
[[nodiscard]] std::string to_text(const Script& script);

struct Plan {
  int instances = 1;
  int lanes = 1;
  int carts = 1;
  int clients = 1;
  int requests = 1; // of each client
  std::int64_t think_ms = 0;
  double reads = 0;
  double keyed = 0;
  double if_match = 0;
  double answer_lost = 0; // on the way to the client
  std::size_t queue_max = 8192;
  commit::Policy policy = commit::Policy::strict;
  commit::Timing timing{};
  std::chrono::milliseconds keep{}; // tombstones and keys
  bool verify = false;              // continuous
  bool prepared = true;             // the schema is known to be there
  std::chrono::hours cart_ttl{};
  bool to_the_very_end = false; // until the rows of the dead are gone
  Time length{0};
  Odds odds;
  std::vector<Incident> incidents;
};
[[nodiscard]] Plan draw_plan(Dice& dice);
[[nodiscard]] Plan plan_of(const Script& script);
[[nodiscard]] std::string to_text(const Plan& plan);

} // namespace panier::sim
