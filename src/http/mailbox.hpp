// How an answer finds back to its session: from any thread, once, and harmlessly when the session
// is gone. Private to the transport: includes Asio.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "http/message.hpp"

namespace panier::http {

// Names one request of one worker. A worker counts `exchange` up per slot, so that an old ticket
// never fits.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t exchange = 0;
  bool operator==(const Ticket&) const = default;
};

struct Delivery {
  Ticket ticket;
  std::optional<Response> response; // nullopt: the handler dropped its Respond
};

// One a worker; outlives it in the hands of handlers that have not answered yet. Holds at most one
// delivery per request that was handed to a handler, so it is bounded by those in flight.
class Mailbox : public std::enable_shared_from_this<Mailbox> {
public:
  using Collect = std::function<void(std::vector<Delivery>&)>;
  // `collect` runs on `context`'s thread, with everything that came in since the last time.
  Mailbox(boost::asio::io_context& context, Collect collect)
      : context_(&context), collect_(std::move(collect)) {}

  void deliver(Delivery delivery); // any thread
  // Deliveries are dropped from now on; the context and what `collect` uses may go.
  void close();

private:
  void hand_over();

  boost::asio::io_context* const context_; // alive while open_
  const Collect collect_;
  std::mutex mutex_;
  bool open_ = true;            // guarded by mutex_
  std::vector<Delivery> ready_; // guarded by mutex_
};

// What a handler's Respond is made of. Three pointers wide: std::move_only_function keeps it
// without an allocation.
class Reply {
public:
  Reply(std::shared_ptr<Mailbox> mailbox, Ticket ticket)
      : mailbox_(std::move(mailbox)), ticket_(ticket) {}
  Reply(Reply&&) noexcept = default; // leaves mailbox_ empty
  Reply& operator=(Reply&&) = delete;
  ~Reply();
  void operator()(Response response);

private:
  std::shared_ptr<Mailbox> mailbox_;
  Ticket ticket_;
};

// While one exists, an answer to its ticket on its own thread comes here instead of taking the way
// through the mailbox: most handlers that need nobody else answer before they return.
class InlineAnswer {
public:
  InlineAnswer(const Mailbox& mailbox, Ticket ticket);
  ~InlineAnswer();
  InlineAnswer(const InlineAnswer&) = delete;
  InlineAnswer& operator=(const InlineAnswer&) = delete;
  [[nodiscard]] std::optional<Delivery>& delivery() noexcept { return delivery_; }

private:
  friend class Mailbox;
  const Mailbox& mailbox_;
  const Ticket ticket_;
  std::optional<Delivery> delivery_;
};

} // namespace panier::http
