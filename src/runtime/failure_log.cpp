#include "runtime/failure_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/iso_time.hpp"
#include "runtime/json_text.hpp"
#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"

namespace panier::runtime {
namespace {

// Time, store, operation and the words between them take less than this.
constexpr std::size_t frame_bytes_max = 128;
static_assert(FailureLog::data_bytes_max + FailureLog::error_bytes_max + frame_bytes_max <=
              FailureLog::record_bytes_max);
static_assert(FailureLog::records_per_second_max <= FailureLog::burst_records_max);
static_assert(FailureLog::burst_records_max <= static_cast<int>(FailureLog::queue_records_max));

std::string_view store_text(FailureLog::Store store) {
  return store == FailureLog::Store::mariadb ? "MARIADB_CART" : "MONGO_CART";
}

std::string_view operation_text(FailureLog::Operation operation) {
  using enum FailureLog::Operation;
  switch (operation) {
  case insert: return "INSERT";
  case add: return "PATCH ADD";
  case edit: return "PATCH EDIT";
  case remove: return "PATCH REMOVE";
  case erase: return "DELETE CART";
  case empty: return "PATCH VIDER";
  }
  return "INSERT";
}

std::string render(WallTime time, FailureLog::Store store, FailureLog::Operation operation,
                   std::string_view data, std::string_view error) {
  std::string line = iso_time(time);
  line += " | ";
  line += store_text(store);
  line += ' ';
  line += operation_text(operation);
  line += " FAILED | data=";
  append_record_text(line, data, FailureLog::data_bytes_max);
  line += " | error=";
  append_record_text(line, error, FailureLog::error_bytes_max);
  line += '\n';
  return line;
}

constexpr std::size_t operations = 6;
std::size_t index_of(FailureLog::Store store, FailureLog::Operation operation) {
  return static_cast<std::size_t>(store) * operations + static_cast<std::size_t>(operation);
}
constexpr std::chrono::seconds complaint_interval{60};

} // namespace

FailureLog::FailureLog(std::filesystem::path path, const Clock& clock)
    : path_(std::move(path)), clock_(clock), complaints_(clock, complaint_interval),
      tokens_at_(clock.steady()) {
  open_file(); // here, so that a wrong path is told before the service says that it is ready
  thread_ = std::thread([this] {
    block_all_signals();
    name_this_thread("failure-log");
    run();
  });
}

FailureLog::~FailureLog() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_one();
  thread_.join();
  if (fd_ >= 0) ::close(fd_);
}

void FailureLog::record(Store store, Operation operation, std::string_view data,
                        std::string_view error) {
  Item item{{store, operation}, render(clock_.wall(), store, operation, data, error)};
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() < queue_records_max && take_token()) {
      queue_.push_back(std::move(item));
    } else {
      ++untold_[index_of(item.kind.store, item.kind.operation)];
      ++left_out_;
    }
  }
  work_.notify_one();
}

void FailureLog::reopen() {
  {
    std::lock_guard lock(mutex_);
    // Two in a row are one, so the queue stays bounded however often the signal comes.
    if (!queue_.empty() && queue_.back().line.empty()) return;
    queue_.push_back({{}, {}});
  }
  work_.notify_one();
}

void FailureLog::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++flushes_asked_;
  work_.notify_one();
  done_.wait(lock, [&] { return flushes_done_ >= mine; });
}

bool FailureLog::take_token() {
  const SteadyTime now = clock_.steady();
  const std::chrono::duration<double> passed = now - tokens_at_;
  tokens_ = std::min<double>(burst_records_max, tokens_ + passed.count() * records_per_second_max);
  tokens_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

// The background thread, from here on.

void FailureLog::run() {
  const auto pressing = [this] {
    return !queue_.empty() || stop_ || flushes_asked_ > flushes_done_;
  };
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    work_.wait(lock, [&] { return pressing() || untold_ != Counts{}; });
    // Nothing but counts to tell: let them grow a little, so that a storm is told in one record a
    // second.
    if (!pressing()) work_.wait_for(lock, left_out_told_every, pressing);
    last = stop_;
    const std::uint64_t flushes = flushes_asked_;
    const std::deque<Item> items = std::exchange(queue_, {});
    const bool due = items.empty() || last || flushes > flushes_done_ ||
                     clock_.steady() - told_at_ >= left_out_told_every;
    const Counts untold = due ? std::exchange(untold_, {}) : Counts{};
    lock.unlock();
    for (const Item& item : items)
      carry_out(item);
    if (untold != Counts{}) tell(untold);
    lock.lock();
    flushes_done_ = flushes;
    done_.notify_all();
  }
}

void FailureLog::carry_out(const Item& item) {
  if (item.line.empty()) return open_file();
  if (write_line(item.line)) return;
  std::lock_guard lock(mutex_);
  ++untold_[index_of(item.kind.store, item.kind.operation)];
  ++left_out_;
}

void FailureLog::open_file() {
  if (fd_ >= 0) ::close(fd_);
  // O_NONBLOCK: a named pipe without a reader is an error, not a wait.
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  const int error = errno;
  torn_ = false;
  if (fd_ >= 0) return;
  if (const auto held_back = complaints_.pass())
    log::warn(
        "the failure log cannot be opened",
        {{"path", path_.native()}, {"error", std::strerror(error)}, {"held_back", *held_back}});
}

bool FailureLog::write_line(const std::string& line) {
  if (fd_ < 0) return false;
  const std::string after_torn = torn_ ? "\n" + line : std::string();
  const std::string& bytes = torn_ ? after_torn : line;
  const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
  const int error = errno;
  if (written == static_cast<ssize_t>(bytes.size())) {
    torn_ = false;
    return true;
  }
  if (written > 0) torn_ = true; // the disk is full: what comes next must not join this half
  if (const auto held_back = complaints_.pass())
    log::warn("the failure log cannot be written",
              {{"path", path_.native()},
               {"error", written < 0 ? std::strerror(error) : "only a part was written"},
               {"held_back", *held_back}});
  return false;
}

// One record for each kind, in the format of all others.
void FailureLog::tell(const Counts& untold) {
  told_at_ = clock_.steady();
  if (fd_ < 0) open_file();
  for (std::size_t i = 0; i < untold.size(); ++i) {
    if (untold[i] == 0) continue;
    const std::string count = std::to_string(untold[i]);
    if (write_line(render(clock_.wall(), static_cast<Store>(i / operations),
                          static_cast<Operation>(i % operations), "{\"left_out\":" + count + "}",
                          count + " records left out")))
      continue;
    std::lock_guard lock(mutex_); // told the next time
    untold_[i] += untold[i];
  }
}

} // namespace panier::runtime
