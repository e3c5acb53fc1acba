#include "migrate/progress.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace panier::migrate {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto bar_every = 100ms;
constexpr auto line_every = 1s;
constexpr std::int64_t bar_chars = 40;
constexpr std::int64_t looks_every = 64; // the clock is asked once in so many steps

} // namespace

void Progress::start(std::string what, std::int64_t total) {
  what_ = std::move(what);
  total_ = total;
  done_ = 0;
  shown_ = steady_clock::now();
}

void Progress::advance(std::int64_t by) {
  const auto before = done_;
  done_ += by;
  if (before / looks_every == done_ / looks_every) return;
  const auto now = steady_clock::now();
  if (now - shown_ >= (terminal_ ? steady_clock::duration(bar_every) : line_every)) show(now);
}

void Progress::finish() {
  show(steady_clock::now());
  if (terminal_) std::fputc('\n', out_);
}

void Progress::say(const std::string& line) {
  fmt::print(out_, "{}\n", line);
}

void Progress::show(steady_clock::time_point now) {
  shown_ = now;
  const auto whole = std::max(total_, done_);
  const auto percent = whole == 0 ? 100 : done_ * 100 / whole;
  if (!terminal_) {
    fmt::print(out_, "{}: {} of {} ({} %)\n", what_, done_, whole, percent);
    return;
  }
  const auto filled = static_cast<std::size_t>(percent * bar_chars / 100);
  fmt::print(out_, "\r{:<10} [{}{}] {:3} %", what_, std::string(filled, '#'),
             std::string(bar_chars - filled, '.'), percent);
  std::fflush(out_);
}

} // namespace panier::migrate
