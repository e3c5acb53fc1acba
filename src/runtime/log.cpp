#include "runtime/log.hpp"

#include <climits>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include <atomic>
#include <charconv>
#include <cmath>

#include "runtime/iso_time.hpp"
#include "runtime/json_text.hpp"
#include "runtime/log_output.hpp"
#include "runtime/this_thread.hpp"

namespace panier::runtime::log {
namespace {

static_assert(line_bytes_max <= PIPE_BUF);

// Room kept for `,"truncated":true}` and the line end.
constexpr std::size_t tail_bytes = 24;
constexpr std::size_t message_bytes_max = 1024;
constexpr std::size_t value_bytes_max = 2048;

std::atomic<Level> level_min{Level::info};
std::atomic<std::uint64_t> lost_lines{0};

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void append_value(std::string& out, const Field::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_log_string(out, *text, value_bytes_max);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<double>(&value)) {
    if (std::isfinite(*number))
      append_number(out, *number);
    else
      out += "null"; // JSON has no word for it
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    append_number(out, *integer);
  } else {
    append_number(out, std::get<std::uint64_t>(value));
  }
}

void begin_thread() {
  block_all_signals();
  name_this_thread("log");
}

// Runs on the background thread only.
class LineSink final : public spdlog::sinks::sink {
public:
  LineSink(int fd, const Clock& clock, spdlog::details::thread_pool& pool)
      : output_(fd), clock_(clock), pool_(pool) {}

  void log(const spdlog::details::log_msg& message) override {
    count_overruns();
    tell_losses();
    line_.assign(message.payload.data(), message.payload.size());
    line_ += '\n';
    if (!output_.write(line_)) ++lost_lines;
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
  void hurry() noexcept { output_.hurry(); }

private:
  void count_overruns() {
    const std::uint64_t overruns = pool_.overrun_counter();
    lost_lines += overruns - overruns_seen_;
    overruns_seen_ = overruns;
  }
  void tell_losses() {
    const std::uint64_t total = lost_lines.load();
    if (total == told_) return;
    std::string line =
        render(clock_.wall(), Level::warn, "log lines lost", {{"lost", total - told_}});
    line += '\n';
    if (output_.write(line)) told_ = total;
  }

  Output output_;
  const Clock& clock_;
  spdlog::details::thread_pool& pool_;
  std::uint64_t overruns_seen_ = 0;
  std::uint64_t told_ = lost_lines.load();
  std::string line_;
};

} // namespace

struct Session::Impl {
  Impl(const Clock& session_clock, int fd)
      : clock(session_clock),
        pool(std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1, begin_thread)),
        sink(std::make_shared<LineSink>(fd, clock, *pool)),
        logger(std::make_shared<spdlog::async_logger>(
            "panier", sink, pool, spdlog::async_overflow_policy::overrun_oldest)) {
    logger->set_level(spdlog::level::trace); // level_min has decided before
    // spdlog's own handler prints to standard error and would wait for a full pipe.
    logger->set_error_handler([](const std::string&) { ++lost_lines; });
  }

  const Clock& clock;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<LineSink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
};

namespace {
std::atomic<const Clock*> current_clock{nullptr};
std::atomic<spdlog::logger*> current_logger{nullptr};
} // namespace

Session::Session(Level level, const Clock& clock, int fd)
    : impl_(std::make_unique<Impl>(clock, fd)) {
  set_level(level);
  current_clock.store(&impl_->clock);
  current_logger.store(impl_->logger.get());
}

Session::~Session() {
  current_logger.store(nullptr);
  impl_->sink->hurry();
  // The pool's end writes what is queued and joins its thread. The logger outlives it, so that it
  // is never that thread that destroys it.
  impl_->pool.reset();
  impl_->logger.reset();
}

std::string_view to_string(Level level) noexcept {
  switch (level) {
  case Level::debug: return "debug";
  case Level::info: return "info";
  case Level::warn: return "warn";
  case Level::error: return "error";
  }
  return "error";
}

void set_level(Level level) noexcept {
  level_min.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) noexcept {
  return current_logger.load(std::memory_order_acquire) != nullptr &&
         level >= level_min.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  const std::string line = render(current_clock.load()->wall(), level, message, fields);
  current_logger.load()->log(spdlog::level::info, spdlog::string_view_t(line));
}

std::uint64_t lost() noexcept {
  return lost_lines.load();
}

std::string render(WallTime time, Level level, std::string_view message, Fields fields) {
  std::string line;
  line.reserve(256);
  line += R"({"ts":")";
  line += iso_time(time);
  line += R"(","level":")";
  line += to_string(level);
  line += R"(","msg":)";
  append_log_string(line, message, message_bytes_max);
  for (const Field& field : fields) {
    const std::size_t before = line.size();
    line += ',';
    append_log_string(line, field.key, value_bytes_max);
    line += ':';
    append_value(line, field.value);
    if (line.size() + tail_bytes <= line_bytes_max) continue;
    line.resize(before); // this field and the rest do not fit
    line += R"(,"truncated":true)";
    break;
  }
  line += '}';
  return line;
}

std::optional<std::uint64_t> Limited::pass() {
  std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.steady();
  if (last_ && now - *last_ < interval_) {
    ++held_back_;
    return std::nullopt;
  }
  last_ = now;
  return std::exchange(held_back_, 0);
}

} // namespace panier::runtime::log
