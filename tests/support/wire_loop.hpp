// The wire double's one thread: an event loop that accepts, reads, waits with timers and answers,
// so that any number of connections may be slow at the same time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "support/wire_commands.hpp"
#include "support/wire_script.hpp"

namespace panier::support::wire {

class Loop {
public:
  // Listening on 127.0.0.1:port; throws std::runtime_error when it cannot. The others outlive it.
  Loop(std::uint16_t port, std::chrono::microseconds delay, Commands& commands, Script& script);
  // Closes the listener and every connection.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Ends the hangs. From any thread.
  void resume();

private:
  class Connection;

  void accept();

  // Set once.
  const std::chrono::microseconds delay_;
  Commands& commands_;
  Script& script_;
  std::uint16_t port_ = 0;
  // Of the loop's thread. The connections live in what the context has still to do for them, or
  // here.
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::steady_timer retry_{context_};
  std::vector<std::function<void()>> hanging_;

  std::thread thread_; // last: it uses all of the above
};

} // namespace panier::support::wire
