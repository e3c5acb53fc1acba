// Loaded before libc (LD_PRELOAD): every fsync and fdatasync takes BENCH_SYNC_DELAY_US microseconds
// longer. It stands for a disk that is slower than the one at hand.
#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using Sync = int (*)(int);

Sync next(const char* name) {
  return reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name));
}

void be_slow() {
  static const char* const text = std::getenv("BENCH_SYNC_DELAY_US");
  static const std::chrono::microseconds delay{text == nullptr ? 0 : std::atol(text)};
  std::this_thread::sleep_for(delay);
}

} // namespace

extern "C" int fsync(int fd) {
  static const Sync real = next("fsync");
  be_slow();
  return real(fd);
}

extern "C" int fdatasync(int fd) {
  static const Sync real = next("fdatasync");
  be_slow();
  return real(fd);
}
