// What /proc says of this process. Private to metrics.cpp.
#pragma once

#include <cstdint>

namespace panier::runtime {

struct ProcessStats {
  std::int64_t resident_bytes = 0;
  std::int64_t open_fds = 0;
  std::int64_t max_fds = 0;
  double cpu_seconds = 0;
};

// What cannot be read stays 0.
[[nodiscard]] ProcessStats process_stats();

} // namespace panier::runtime
