#include "http/worker.hpp"

#include <pthread.h>

#include <ctime>

#include <boost/asio/post.hpp>

#include "http/session.hpp"

namespace panier::http {
namespace {

namespace asio = boost::asio;

// What a worker keeps of receive buffers for the next request, and how large one may be to be kept.
constexpr std::size_t pooled_buffers_max = 64;
constexpr std::size_t pooled_bytes_max = std::size_t{64} * 1024;

} // namespace

Worker::Worker(const Settings& settings, const Router& router, const Hooks& hooks,
               std::atomic<std::size_t>& connections)
    : settings_(settings), router_(router), hooks_(hooks),
      mailbox_(std::make_shared<Mailbox>(context_, [this](auto& all) { collect(all); })),
      connections_(connections), guard_(asio::make_work_guard(context_)), tick_(context_) {}

Worker::~Worker() = default;

void Worker::start(std::function<void()> ended) {
  thread_ = std::thread([this, ended = std::move(ended)] {
    pthread_setname_np(pthread_self(), "http");
    run();
    mailbox_->close(); // handlers may still hold it, and answer
    ended();
  });
}

void Worker::run() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& e) {
      // An error page or a hook that threw, or no memory: that session ends at its deadline, the
      // others go on.
      report(e);
    }
  }
}

void Worker::report(const std::exception& e) {
  if (hooks_.trouble) hooks_.trouble({Errc::internal, {}, std::string("event loop: ") + e.what()});
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::adopt(asio::ip::tcp::socket socket, std::string peer) {
  load_.fetch_add(1, std::memory_order_relaxed);
  asio::post(context_, [this, socket = std::move(socket), peer = std::move(peer)]() mutable {
    admit(std::move(socket), std::move(peer));
  });
}

void Worker::admit(asio::ip::tcp::socket socket, std::string peer) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size())); // within connections_max
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  ++sessions_;
  const auto session = std::make_shared<Session>(*this, slot, std::move(socket), std::move(peer));
  slots_[slot].session = session;
  if (hooks_.connections) hooks_.connections(+1);
  arm_tick();
  session->start();
  if (draining_) session->stop();
}

void Worker::release(std::uint32_t slot) {
  slots_[slot].session.reset(); // the caller holds on to it for as long as it runs
  slots_[slot].deadline = SteadyTime::max();
  ++slots_[slot].exchange;
  free_.push_back(slot);
  --sessions_;
  load_.fetch_sub(1, std::memory_order_relaxed);
  connections_.fetch_sub(1, std::memory_order_relaxed);
  if (hooks_.connections) hooks_.connections(-1);
  end_when_empty();
}

void Worker::collect(std::vector<Delivery>& deliveries) {
  for (Delivery& delivery : deliveries) {
    const Slot& slot = slots_[delivery.ticket.slot];
    if (slot.session == nullptr || slot.exchange != delivery.ticket.exchange) continue; // late
    const auto session = slot.session;
    session->answered(std::move(delivery.response));
  }
}

template <class Each>
void Worker::each_session(Each each) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (const auto session = slots_[i].session) each(*session);
  }
}

void Worker::arm_tick() {
  if (ticking_ || sessions_ == 0) return; // a server without connections does not wake up
  ticking_ = true;
  tick_.expires_after(settings_.tick);
  tick_.async_wait([this](const boost::system::error_code&) {
    ticking_ = false;
    on_tick();
  });
}

void Worker::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].deadline > now) continue;
    const auto session = slots_[i].session;
    try {
      session->on_deadline();
    } catch (const std::exception& e) {
      report(e);
      session->abort();
    }
  }
  arm_tick();
}

void Worker::drain() {
  asio::post(context_, [this] {
    draining_ = true;
    each_session([](Session& session) { session.stop(); });
    end_when_empty();
  });
}

void Worker::expire() {
  asio::post(context_, [this] { each_session([](Session& session) { session.on_deadline(); }); });
}

void Worker::cut() {
  asio::post(context_, [this] { each_session([](Session& session) { session.abort(); }); });
}

void Worker::shed() {
  asio::post(context_, [this] {
    // A session's deadline is idle_timeout after it became idle; one that is busy lets stop() pass.
    const auto idle_since_max = std::chrono::steady_clock::now() - settings_.shed_after;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].session == nullptr) continue;
      if (slots_[i].deadline > idle_since_max + settings_.idle_timeout) continue;
      const auto session = slots_[i].session;
      session->stop();
    }
  });
}

void Worker::end_when_empty() {
  if (!draining_ || sessions_ > 0) return;
  tick_.cancel();
  guard_.reset();
}

std::string_view Worker::date() {
  return date_.at(std::time(nullptr));
}

bool Worker::take_room(std::size_t bytes) {
  if (untaken_bytes_ > 0 && untaken_bytes_ + bytes > settings_.untaken_bytes_max) return false;
  untaken_bytes_ += bytes;
  return true;
}

boost::beast::flat_buffer Worker::take_buffer() {
  if (buffers_.empty()) return {};
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Worker::give_back(boost::beast::flat_buffer buffer) {
  if (buffers_.size() >= pooled_buffers_max || buffer.capacity() > pooled_bytes_max) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

} // namespace panier::http
