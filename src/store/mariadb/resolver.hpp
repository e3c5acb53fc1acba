// Host name to addresses, off the calling thread and bounded: getaddrinfo() has no timeout of its
// own and may take half a minute when a name server is gone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "result/result.hpp"

namespace panier::store::mariadb {

// Thread-safe. Nothing is cached: a server that moved is found by the next connection.
class Resolver {
public:
  static constexpr std::size_t addresses_max = 4;

  explicit Resolver(std::string host);

  // 1 to addresses_max numeric addresses, in the system's order of preference. store_unreachable:
  // unknown name, or no answer in time.
  [[nodiscard]] Result<std::vector<std::string>> addresses(std::chrono::milliseconds timeout);

private:
  // Outlives the resolver if the system never answers.
  struct Lookup {
    std::mutex mutex;
    std::condition_variable answered;
    bool done = false;                      // guarded by mutex
    Result<std::vector<std::string>> found; // guarded by mutex
  };
  [[nodiscard]] std::shared_ptr<Lookup> current_lookup();

  const std::string host_;
  const bool numeric_; // an address needs no lookup

  std::mutex mutex_;
  // At most one is under way; whoever comes meanwhile waits for the same. Guarded by mutex_.
  std::shared_ptr<Lookup> lookup_;
};

} // namespace panier::store::mariadb
