// Accepts connections on one worker's thread and spreads them over all workers, to the least loaded
// first. (One socket, not one a thread with SO_REUSEPORT: that would let a second process take the
// same port unnoticed.) Private to the transport: includes Asio.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/worker.hpp"

namespace panier::http {

class Listener {
public:
  using Workers =
      std::vector<std::unique_ptr<Worker>>; // never empty; the first one's thread is the listener's
  Listener(const Settings& settings, const Hooks& hooks, Workers& workers,
           std::atomic<std::size_t>& connections);

  // Before the threads run.
  [[nodiscard]] Result<void> open();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void start();

  void close(); // on the first worker's thread

private:
  using Endpoint = boost::asio::ip::tcp::endpoint;
  [[nodiscard]] Result<Endpoint> endpoint() const;
  [[nodiscard]] boost::system::error_code listen_on(const Endpoint& endpoint);
  [[nodiscard]] Error refused(const boost::system::error_code& ec) const;
  void wait();
  void accept();                       // somebody waits
  [[nodiscard]] bool accept_one();     // false: nobody there, or not now
  void starve(const std::string& why); // somebody waits and cannot be let in
  void pause();
  [[nodiscard]] Worker& least_loaded() const;

  const Settings& settings_;
  const Hooks& hooks_;
  Workers& workers_;
  std::atomic<std::size_t>& connections_;
  std::uint16_t port_ = 0;

  // The first worker's thread.
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  bool starved_ = false; // since nobody waited: told once
};

} // namespace panier::http
