// One part of the service alone, as fast as it goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "workload.hpp"

namespace panier::bench {

struct Rate {
  std::int64_t operations = 0;
  std::int64_t failed = 0; // not counted as operations
  std::chrono::duration<double> time{};
};

inline constexpr std::chrono::milliseconds warm_up{500}; // connections, caches: not counted

struct LedgerRun {
  std::string store; // mariadb, sqlite
  int clients = 64;  // operations outstanding
  int lanes = 1;
  Mix mix = Mix::add;
  Population carts;
  std::chrono::seconds time{5};
};
// The commit path with the strict policy on a mirror that holds everything at once: the statements
// of a strict round and nothing else. Carts that are not there are made first.
[[nodiscard]] Rate run_ledger(const LedgerRun& run);

struct MirrorRun {
  std::string store; // mongodb, sqlite
  int lanes = 1;
  int batch = 64; // writes of a bulk
  Population carts;
  std::chrono::seconds time{5};
};
// The mirror's bulk alone, each lane on carts of its own.
[[nodiscard]] Rate run_mirror(const MirrorRun& run);

// The product's routes with answers of the size that a write and a read of this many lines have;
// the body is read and dropped.
void serve_null_routes(std::uint16_t port, unsigned threads, int lines);

} // namespace panier::bench
