// One thread with its own event loop, and the sessions that live on it. Deadlines are kept by one
// coarse tick that walks a compact table instead of by a timer a session. Private to the transport:
// includes Asio.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "http/mailbox.hpp"
#include "http/response_head.hpp"
#include "http/server.hpp"

namespace panier::http {

class Session;
using SteadyTime = std::chrono::steady_clock::time_point;

class Worker {
public:
  // `connections` counts those of all workers of a server.
  Worker(const Settings& settings, const Router& router, const Hooks& hooks,
         std::atomic<std::size_t>& connections);
  ~Worker();

  // From any thread.
  void start(std::function<void()> ended); // `ended`: last words of the thread
  void adopt(boost::asio::ip::tcp::socket socket,
             std::string peer); // a connection that `connections` counts
  void drain();                 // the thread ends with the last session
  void expire();                // every session's deadline is now
  void cut();                   // closes every session now
  void shed();                  // closes those that have been idle for settings.shed_after
  void join();
  [[nodiscard]] std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

  // For the sessions, on the worker's thread.
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const Router& router() const noexcept { return router_; }
  [[nodiscard]] const Hooks& hooks() const noexcept { return hooks_; }
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  [[nodiscard]] std::string_view date();
  void set_deadline(std::uint32_t slot, SteadyTime deadline) { slots_[slot].deadline = deadline; }
  // Ends the current exchange of this slot, if any, and begins another: older tickets no longer
  // fit.
  Ticket new_ticket(std::uint32_t slot) { return {slot, ++slots_[slot].exchange}; }
  void release(std::uint32_t slot); // the session is closed
  // Room for an answer that its client has not taken yet; false: there is none. Given back as it
  // was taken.
  [[nodiscard]] bool take_room(std::size_t bytes);
  void give_room(std::size_t bytes) noexcept { untaken_bytes_ -= bytes; }
  // Receive buffers are lent while a request comes in: an idle connection holds none.
  [[nodiscard]] boost::beast::flat_buffer take_buffer();
  void give_back(boost::beast::flat_buffer buffer);

private:
  struct Slot {
    SteadyTime deadline = SteadyTime::max();
    std::shared_ptr<Session> session; // null: free
    std::uint32_t exchange = 0;
  };
  void run();
  void report(const std::exception& e);
  void admit(boost::asio::ip::tcp::socket socket, std::string peer);
  void collect(std::vector<Delivery>& deliveries);
  void arm_tick();
  void on_tick();
  void end_when_empty();
  template <class Each>
  void each_session(Each each);

  // Set once.
  const Settings& settings_;
  const Router& router_;
  const Hooks& hooks_;
  boost::asio::io_context context_{1};
  std::shared_ptr<Mailbox> mailbox_;
  std::thread thread_;

  // Any thread.
  std::atomic<std::size_t>& connections_;
  std::atomic<std::size_t> load_{0};

  // The worker's thread.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  boost::asio::steady_timer tick_;
  bool ticking_ = false;
  bool draining_ = false;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t sessions_ = 0;
  std::vector<boost::beast::flat_buffer> buffers_;
  std::size_t untaken_bytes_ = 0;
  DateCache date_;
};

} // namespace panier::http
