#include "http/listener.hpp"

#include <algorithm>

#include <boost/asio/ip/v6_only.hpp>

namespace panier::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr unsigned accepts_a_turn_max = 64; // then the sessions of this thread get their turn

std::string address_text(const asio::ip::address& address) {
  // A dual-stack socket shows an IPv4 client as ::ffff:a.b.c.d.
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

// This one connection failed; the next may be fine.
bool is_of_the_client(const error_code& ec) {
  return ec == asio::error::connection_aborted || ec == asio::error::interrupted ||
         ec == boost::system::errc::protocol_error;
}

} // namespace

Listener::Listener(const Settings& settings, const Hooks& hooks, Workers& workers,
                   std::atomic<std::size_t>& connections)
    : settings_(settings), hooks_(hooks), workers_(workers), connections_(connections),
      acceptor_(workers.front()->context()), pause_(workers.front()->context()) {}

Result<void> Listener::open() {
  auto wanted = endpoint();
  if (!wanted) return std::unexpected(wanted.error());
  error_code ec = listen_on(*wanted);
  const bool no_ipv6 = ec == asio::error::address_family_not_supported ||
                       ec == boost::system::errc::address_not_available;
  if (no_ipv6 && wanted->address() == asio::ip::address_v6::any()) { // switched off in the kernel
    ec = listen_on({asio::ip::address_v4::any(), settings_.port});
  }
  if (ec) return std::unexpected(refused(ec));
  port_ = acceptor_.local_endpoint().port();
  return {};
}

Result<Listener::Endpoint> Listener::endpoint() const {
  error_code ec;
  const auto address = asio::ip::make_address(settings_.host, ec);
  if (!ec) return Endpoint(address, settings_.port);
  tcp::resolver resolver(workers_.front()->context());
  const auto found = resolver.resolve(settings_.host, std::to_string(settings_.port), ec);
  if (ec || found.empty()) return std::unexpected(refused(ec));
  return found.begin()->endpoint();
}

error_code Listener::listen_on(const Endpoint& endpoint) {
  error_code ec;
  acceptor_.close(ec);
  acceptor_.open(endpoint.protocol(), ec);
  if (ec) return ec;
  if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  // Inherited by the accepted sockets: an answer is one write, there is nothing to wait for.
  if (!ec) acceptor_.set_option(tcp::no_delay(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(tcp::acceptor::max_listen_connections, ec);
  if (!ec) acceptor_.non_blocking(true, ec);
  return ec;
}

Error Listener::refused(const error_code& ec) const {
  const bool ipv6 = settings_.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + settings_.host + "]" : settings_.host;
  return {Errc::config_invalid,
          {},
          "cannot listen on " + host + ":" + std::to_string(settings_.port) + ": " + ec.message()};
}

void Listener::start() {
  wait();
}

void Listener::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Listener::wait() {
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](const error_code& ec) {
    if (!acceptor_.is_open()) return;
    if (ec) return pause();
    accept();
  });
}

void Listener::accept() {
  for (unsigned accepted = 0; accepted < accepts_a_turn_max; ++accepted) {
    if (connections_.load(std::memory_order_relaxed) >= settings_.connections_max) {
      // Only the first of a turn is known to wait; whether others do, the socket will tell.
      return accepted == 0 ? starve("as many are open as there may be") : wait();
    }
    if (!accept_one()) return;
  }
  wait();
}

bool Listener::accept_one() {
  Worker& worker = least_loaded();
  Endpoint peer;
  error_code ec;
  auto socket = acceptor_.accept(worker.context(), peer, ec);
  if (!ec) {
    connections_.fetch_add(1, std::memory_order_relaxed);
    worker.adopt(std::move(socket), address_text(peer.address()));
    return true;
  }
  if (is_of_the_client(ec)) return true;
  if (ec == asio::error::would_block) {
    starved_ = false;
    wait();
    return false;
  }
  starve(ec.message()); // no descriptor or no memory left
  return false;
}

void Listener::starve(const std::string& why) {
  if (!starved_ && hooks_.trouble) {
    hooks_.trouble({Errc::overloaded, {}, "cannot accept a connection: " + why});
  }
  starved_ = true;
  for (const auto& worker : workers_)
    worker->shed();
  pause(); // the connection stays in the queue, so asking again at once would spin
}

void Listener::pause() {
  pause_.expires_after(settings_.accept_pause);
  pause_.async_wait([this](const error_code&) {
    if (acceptor_.is_open()) accept();
  });
}

Worker& Listener::least_loaded() const {
  return **std::ranges::min_element(workers_, {},
                                    [](const auto& worker) { return worker->load(); });
}

} // namespace panier::http
