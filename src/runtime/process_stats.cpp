#include "runtime/process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace panier::runtime {
namespace {

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm"); // in pages: size resident shared ..
  std::int64_t size = 0;
  std::int64_t resident = 0;
  return statm >> size >> resident ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

std::int64_t open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  std::int64_t count = 0;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    ++count;
  return count > 0 ? count - 1 : 0; // less the one that reads the directory
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

} // namespace

ProcessStats process_stats() {
  ProcessStats stats;
  stats.resident_bytes = resident_bytes();
  stats.open_fds = open_fds();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0)
    stats.max_fds = static_cast<std::int64_t>(files.rlim_cur);
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    stats.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  return stats;
}

} // namespace panier::runtime
