#include "http/mailbox.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace panier::http {
namespace {

// Handlers are called one at a time on a thread, never from within another.
thread_local InlineAnswer* waiting_here = nullptr;

} // namespace

void Mailbox::deliver(Delivery delivery) {
  const bool is_inline = waiting_here != nullptr && &waiting_here->mailbox_ == this &&
                         waiting_here->ticket_ == delivery.ticket;
  if (is_inline) {
    waiting_here->delivery_ = std::move(delivery);
    return;
  }
  const std::scoped_lock lock(mutex_);
  if (!open_) return;
  ready_.push_back(std::move(delivery));
  // One wake-up for all that come in until the worker gets to it.
  if (ready_.size() == 1) {
    boost::asio::post(*context_, [self = shared_from_this()] { self->hand_over(); });
  }
}

void Mailbox::hand_over() {
  std::vector<Delivery> deliveries;
  {
    const std::scoped_lock lock(mutex_);
    if (!open_) return;
    deliveries.swap(ready_);
  }
  collect_(deliveries);
}

void Mailbox::close() {
  std::vector<Delivery> dropped; // destroyed unlocked
  const std::scoped_lock lock(mutex_);
  open_ = false;
  dropped.swap(ready_);
}

// Only memory that cannot be had could throw here, and then the process ends.
// NOLINTNEXTLINE(bugprone-exception-escape)
Reply::~Reply() {
  if (mailbox_) mailbox_->deliver({ticket_, std::nullopt});
}

void Reply::operator()(Response response) {
  // Once: a second call finds no mailbox.
  if (const auto mailbox = std::exchange(mailbox_, nullptr)) {
    mailbox->deliver({ticket_, std::move(response)});
  }
}

InlineAnswer::InlineAnswer(const Mailbox& mailbox, Ticket ticket)
    : mailbox_(mailbox), ticket_(ticket) {
  waiting_here = this;
}

InlineAnswer::~InlineAnswer() {
  waiting_here = nullptr;
}

} // namespace panier::http
