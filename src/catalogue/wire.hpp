// HTTP GETs, many at once, carried on by one thread. Behind it is libcurl; a test puts its own
// there.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace panier::catalogue {

class Wire {
public:
  using Ticket = std::uint64_t;
  struct Ended {
    Ticket ticket = 0;
    long status = 0;       // 0: there was no whole answer
    std::string body{};    // of a whole answer
    bool too_long = false; // cut off: it was longer than it may be
    std::string why{};     // of status 0, for the log
  };

  virtual ~Wire() = default;
  // Never blocks. Ends within `timeout`, whatever the other side does.
  virtual void get(Ticket ticket, const std::string& url, std::chrono::milliseconds timeout) = 0;
  // Carries all of them on. Returns those that have ended; waits for one at most `wait`, or until
  // wake().
  [[nodiscard]] virtual std::vector<Ended> run_once(std::chrono::milliseconds wait) = 0;
  // The only method for other threads.
  virtual void wake() = 0;
};

struct WireLimits {
  std::size_t body_bytes_max = 65'536;
  std::size_t headers_bytes_max = 32'768;
  long connections_idle_max = 64; // kept for reuse
};

// libcurl's multi interface. Redirects are answers, not followed; proxies of the environment are
// not used. Throws std::bad_alloc if libcurl cannot be set up.
[[nodiscard]] std::unique_ptr<Wire> make_curl_wire(const WireLimits& limits);

} // namespace panier::catalogue
