#include "store/mongo/driver.hpp"

#include <mutex>

#include <mongoc/mongoc.h>

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

} // namespace

void start_driver() {
  static std::once_flag once;
  std::call_once(once, [] {
    mongoc_log_set_handler(to_log, nullptr);
    mongoc_init();
  });
}

} // namespace panier::store::mongo
