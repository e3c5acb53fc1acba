#include "store/sqlite/checkpointer.hpp"

#include <system_error>
#include <utility>

#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"
#include "store/sqlite/connection.hpp"

namespace panier::store::sqlite {
namespace {

constexpr int last_pages_max = 400; // 1.6 MiB: what comes in while a copy runs has to fit

} // namespace

Checkpointer::Checkpointer(std::filesystem::path file) : file_(std::move(file)) {}
Checkpointer::~Checkpointer() = default;

void Checkpointer::attach() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  if (thread_.joinable()) return;
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      runtime::block_all_signals();
      runtime::name_this_thread("checkpoint");
      run(stop);
    });
  } catch (const std::system_error& error) { // until the next connection
    runtime::log::warn("no thread that copies a log back: writers do, at its greatest length",
                       {{"file", file_.native()}, {"error", error.what()}});
  }
}

bool Checkpointer::nearly_done(int pages) {
  // Of a log that has started again meanwhile, `copied` may be too high: then it is asked for anew.
  const int copied = copied_.load(std::memory_order_relaxed);
  if (copied > 0 && copied <= pages && pages - copied <= last_pages_max) {
    copied_.store(0, std::memory_order_relaxed);
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
  return false;
}

void Checkpointer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return std::exchange(wanted_, false); })) {
    const bool reopen = std::exchange(reopen_, false);
    lock.unlock();
    if (reopen) connection_.reset();
    copy();
    lock.lock();
  }
}

// What fails is tried again when the next writer asks; beyond the log's greatest length they copy
// it themselves.
void Checkpointer::copy() {
  if (!connection_) {
    auto opened = Connection::open(file_, Connection::WhenAbsent::refuse, {});
    if (!opened) return;
    connection_ = std::move(*opened);
  }
  if (const auto pages = connection_->copy_log()) copied_.store(*pages, std::memory_order_relaxed);
  if (connection_->broken()) connection_.reset();
}

} // namespace panier::store::sqlite
