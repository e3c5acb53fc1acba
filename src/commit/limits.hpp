// The bounds of the commit path, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace panier::commit {

// One ledger transaction and one mirror bulk stay small enough that a lone request behind them
// waits milliseconds.
inline constexpr std::size_t batch_carts_max = 128;
inline constexpr std::size_t batch_operations_max = 1024;
inline constexpr std::size_t batch_bytes_max =
    std::size_t{512} * 1024; // of cart rows; far below max_allowed_packet and 16 MiB BSON
inline constexpr std::size_t read_users_max = 512; // of one SELECT .. IN (..)

// So long a lane that has nothing to settle leaves a few queued writes to wait for more, or for a
// lane that comes back: about the time of a transaction and a mirror write. A round costs both
// stores nearly as much for one write as for ten (docs/performance.md, "What is missed").
inline constexpr std::chrono::milliseconds company_patience{4};
// What only leaves a lane's list (Entry::only_struck_off) waits so long for a batch to go with, or
// a quarter of a reservation's life if that is shorter: nobody who waits for a list to be empty
// notices.
inline constexpr std::chrono::milliseconds strike_off_after{100};

// A parked cart has no more writes waiting than one batch can try.
inline constexpr std::size_t parked_writes_max = batch_operations_max;
// It is tried again after PANIER_PARK_RETRY_MS, doubled up to this.
inline constexpr std::chrono::milliseconds park_retry_max{200};
// A lane that has nothing to do still says that it lives; rows silent for dead_lane_after are
// deleted.
inline constexpr std::chrono::milliseconds heartbeat_every{10'000};
inline constexpr std::chrono::milliseconds dead_lane_after{60'000};
// After a failed call to a store a lane waits this long before the next try.
inline constexpr std::chrono::milliseconds store_retry{100};
// A cart whose row the ledger refused this often in a row is quarantined, for this long.
inline constexpr int poison_aborts_max = 3;
inline constexpr std::chrono::hours quarantine_time{24};
// So many carts refused with no row committed in between: it is the ledger.
inline constexpr std::size_t refusing_carts = 3;
inline constexpr std::size_t quarantine_carts_max =
    1024; // remembered; beyond it the oldest is forgotten

static_assert(heartbeat_every * 3 < dead_lane_after, "an idle lane must not look dead");

// Settings, in ms; the relations are checked when the configuration is read.
struct Timing {
  std::chrono::milliseconds mirror_timeout{2'000};
  std::chrono::milliseconds reservation_ttl{5'000};
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds park_retry{20};
};
static_assert(Timing{}.mirror_timeout < Timing{}.reservation_ttl,
              "a bulk must end within the reservation's life");
static_assert(Timing{}.reservation_ttl < Timing{}.request_timeout,
              "a request outlives one reservation");

} // namespace panier::commit
