// The HTTP/1.x server: threads, limits and deadlines around a Router. Knows no carts; its header no
// Asio.
//
//   http::Server server(settings, router, hooks);
//   if (auto started = server.start(); !started) ...   // names host:port
//   ...
//   server.stop(10s);
//
// Handlers run on the server's threads and must not block them. A Respond may be called on any
// thread, late, or after the server is gone: what nobody waits for any more is dropped. One that is
// destroyed uncalled answers 500.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/router.hpp"
#include "result/result.hpp"

namespace panier::http {

struct Settings {
  std::string host = "127.0.0.1"; // an address or a name; "::" means all addresses of both families
  std::uint16_t port = 0;         // 0 takes a free one
  unsigned threads = 2;           // 1-64, each with its own event loop

  // From the first byte of a request to the last byte of its answer in the client's socket. A slow
  // sender gets 408, a handler that has not answered is answered for (503 to a read, 504 to
  // anything else), a slow reader is cut off.
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds idle_timeout{
      75'000}; // between requests, and before the first: closed without a word
  // After an early answer, or a timeout's: how long and for how many bytes the client is still
  // listened to, so that it sees the answer before the connection goes.
  std::chrono::milliseconds drain_timeout{2'000};
  std::size_t drain_bytes_max = std::size_t{16} * 1024 * 1024;

  std::size_t headers_bytes_max = std::size_t{16} * 1024; // request line included
  std::size_t headers_count_max = 100;
  std::size_t body_bytes_max = std::size_t{64} * 1024;
  // Of all answers of a thread's that their clients have not taken at once: whose answer goes
  // beyond it is cut off, as a reader that is too slow; but one is always allowed.
  std::size_t untaken_bytes_max = std::size_t{128} * 1024 * 1024;
  std::size_t connections_max = 10'000;        // at least 1; more wait in the kernel's queue
  std::chrono::milliseconds accept_pause{100}; // after EMFILE and the like, or at connections_max
  // While somebody cannot be let in, connections that have been idle for longer make room.
  std::chrono::milliseconds shed_after{5'000};
  std::chrono::milliseconds tick{50}; // how exactly the timeouts above are kept
};

// One request, when its answer was taken or given up.
struct Finished {
  std::string_view route; // of the router; "unmatched" where there is none
  Method method = Method::other;
  unsigned status = 0; // 0: the client was gone, or cut off, before it had the whole answer
  std::chrono::nanoseconds duration{};
};

// Called on the server's threads; each may be empty. They must not throw or block.
struct Hooks {
  std::function<void(const Finished&)> finished;
  std::function<void(int change)> connections; // +1: opened, -1: closed
  std::function<void(const Error&)> trouble;   // for the log: accept failed, a handler threw
};

class Server {
public:
  static constexpr std::chrono::milliseconds last_words{300};

  // `router` outlives the server and is no longer changed.
  Server(Settings settings, const Router& router, Hooks hooks = {});
  ~Server(); // stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // config_invalid: the address cannot be had; the detail names host:port and the reason.
  [[nodiscard]] Result<void> start();
  // The bound port, after start().
  [[nodiscard]] std::uint16_t port() const;
  // Open connections at this moment. Any thread.
  [[nodiscard]] std::size_t connections() const;
  // Closes the listening socket and the idle connections at once, lets requests in flight finish
  // (their answers say Connection: close), answers those that have not after `grace` as at their
  // deadline (a write: outcome_unknown), gives these answers `last_words` to be taken, cuts off
  // what is left, and joins the threads. Not from a handler. Repeatable.
  void stop(std::chrono::milliseconds grace);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace panier::http
