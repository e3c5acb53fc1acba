#include "http/server.hpp"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>

#include <boost/asio/post.hpp>

#include "http/listener.hpp"

namespace panier::http {
namespace {

constexpr unsigned threads_max = 64;

} // namespace

struct Server::Impl {
  Impl(Settings s, const Router& router, Hooks h) : settings(std::move(s)), hooks(std::move(h)) {
    const unsigned threads = std::clamp(settings.threads, 1U, threads_max);
    for (unsigned i = 0; i < threads; ++i) {
      workers.push_back(std::make_unique<Worker>(settings, router, hooks, connections));
    }
    listener = std::make_unique<Listener>(settings, hooks, workers, connections);
  }

  void close_listener() {
    std::promise<void> closed;
    boost::asio::post(workers.front()->context(), [&] {
      listener->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  void worker_ended() {
    const std::scoped_lock lock(mutex);
    --running;
    ended.notify_all();
  }

  [[nodiscard]] bool wait_ended(std::chrono::milliseconds grace) {
    std::unique_lock lock(mutex);
    return ended.wait_for(lock, grace, [this] { return running == 0; });
  }

  // Set once.
  const Settings settings;
  const Hooks hooks;

  // Any thread.
  std::atomic<std::size_t> connections{0};
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t running = 0; // worker threads; guarded by mutex

  // The thread that calls start() and stop(). The listener's sockets belong to the first worker: it
  // goes first.
  bool started = false;
  Listener::Workers workers;
  std::unique_ptr<Listener> listener;
};

Server::Server(Settings settings, const Router& router, Hooks hooks)
    : impl_(std::make_unique<Impl>(std::move(settings), router, std::move(hooks))) {}

// A thread that cannot be joined is a broken process: it ends.
// NOLINTNEXTLINE(bugprone-exception-escape)
Server::~Server() {
  stop(std::chrono::milliseconds(0));
}

Result<void> Server::start() {
  if (auto opened = impl_->listener->open(); !opened) return opened;
  impl_->listener->start();
  impl_->running = impl_->workers.size();
  for (const auto& worker : impl_->workers) {
    worker->start([impl = impl_.get()] { impl->worker_ended(); });
  }
  impl_->started = true;
  return {};
}

std::uint16_t Server::port() const {
  return impl_->listener->port();
}

std::size_t Server::connections() const {
  return impl_->connections.load();
}

void Server::stop(std::chrono::milliseconds grace) {
  if (!std::exchange(impl_->started, false)) return;
  impl_->close_listener(); // first, so that no worker that has ended is given a connection
  for (const auto& worker : impl_->workers)
    worker->drain();
  if (!impl_->wait_ended(grace)) {
    for (const auto& worker : impl_->workers)
      worker->expire();
    if (!impl_->wait_ended(last_words)) {
      for (const auto& worker : impl_->workers)
        worker->cut();
    }
  }
  for (const auto& worker : impl_->workers)
    worker->join();
}

} // namespace panier::http
