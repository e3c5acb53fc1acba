#include "store/mongo/driver.hpp"

#include <mutex>

#include <mongoc/mongoc.h>
#include <unistd.h>

#include "runtime/log.hpp"

namespace panier::store::mongo {
namespace {

runtime::log::Level level_of(mongoc_log_level_t level) {
  switch (level) {
  case MONGOC_LOG_LEVEL_ERROR:
  case MONGOC_LOG_LEVEL_CRITICAL: return runtime::log::Level::error;
  case MONGOC_LOG_LEVEL_WARNING: return runtime::log::Level::warn;
  case MONGOC_LOG_LEVEL_MESSAGE:
  case MONGOC_LOG_LEVEL_INFO: return runtime::log::Level::info;
  default: return runtime::log::Level::debug;
  }
}

void to_log(mongoc_log_level_t level, const char* domain, const char* message, void*) {
  runtime::log::write(level_of(level), message, {{"store", "mongodb"}, {"driver_part", domain}});
}

// libmongoc starts itself while it is loaded, long before it can be given a log handler, and keeps
// counters in /dev/shm/mongoc-<pid>. A process that was killed left its file there; whoever gets
// its pid next would print a warning to standard error. Such a file is of the dead, because the pid
// is ours. This runs before the constructors of all libraries, libc's included: system calls only.
__attribute__((no_sanitize("address", "thread", "undefined"))) // g++ and clang know this form
void unlink_stale_counters(int, char**, char**) {
  char path[] = "/dev/shm/mongoc-0000000000";
  char digits[10];
  int count = 0;
  for (auto pid = ::getpid(); pid > 0 && count < 10; pid /= 10)
    digits[count++] = static_cast<char>('0' + pid % 10);
  char* to = path + sizeof(path) - 11; // the first of the ten zeros
  while (count > 0)
    *to++ = digits[--count];
  *to = '\0';
  ::unlink(path);
}

[[gnu::section(".preinit_array"), gnu::used]]
void (*const before_libraries)(int, char**, char**) = unlink_stale_counters;

} // namespace

void start_driver() {
  static std::once_flag once;
  std::call_once(once, [] {
    mongoc_log_set_handler(to_log, nullptr);
    mongoc_init();
  });
}

} // namespace panier::store::mongo
