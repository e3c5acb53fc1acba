// How often upkeep looks at what, and how much it takes at once. Everything here is slow work
// beside the lanes: small pages, so that a lane never waits long for a lock, and pauses that a busy
// store does not notice.
#pragma once

#include <chrono>

namespace panier::upkeep {

using namespace std::chrono_literals;

inline constexpr auto tick = 100ms;                  // the shortest pause between two rounds
inline constexpr auto complaint_every = 60'000ms;    // a step that fails the same way is told again
inline constexpr auto probe_every = 500ms;           // each store is asked whether it lives
inline constexpr auto first_ping_max = 2'000ms;      // of the mirror's, for which a start waits
inline constexpr int lost_ledger_docs = 100;         // one is enough, if it can be read
inline constexpr auto lost_ledger_timeout = 2'000ms; // of the look at the mirror
inline constexpr auto abandoned_every = 200ms;       // other lanes' lists are looked at
inline constexpr auto dead_rows_every = 15'000ms;    // empty rows of the dead are deleted
inline constexpr auto lag_every = 200ms;
inline constexpr int lag_page_carts = 128;     // one bulk
inline constexpr int lag_pages_max = 50;       // a round, then the other work gets its turn
inline constexpr auto lag_retry_first = 500ms; // backoff of one cart that the mirror refuses
inline constexpr auto lag_retry_max = 60'000ms;
inline constexpr std::size_t lag_backoff_carts_max = 10'000; // remembered; beyond it all start anew
inline constexpr auto purge_every = 30'000ms;
inline constexpr std::size_t purge_page_carts = 100; // one transaction
inline constexpr int purge_carts_max = 2'000;        // a run
// By our own steady clock a tombstone must have stood for a reservation's life (nothing is sent
// after it) and this much more, for what the network still delivers then.
inline constexpr auto purge_network_patience = 25'000ms;
inline constexpr int purge_page_keys = 1'000;
inline constexpr int purge_key_pages_max = 100;
inline constexpr auto expiry_every = 60'000ms;
inline constexpr int expiry_page_carts = 200;
inline constexpr auto verify_look_again = 50ms; // between two looks at a cart that seems to differ
inline constexpr int verify_looks_max = 20;     // then it differs
inline constexpr int verify_lines_max = 20;     // of the log, a page

} // namespace panier::upkeep
