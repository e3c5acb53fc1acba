#include "support/wire_script.hpp"

#include <utility>

namespace panier::support::wire {

void Script::inject(WireFault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void Script::clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

std::optional<WireFault> Script::noticed(const Command& command) {
  std::optional<WireFault> taken;
  {
    const std::lock_guard lock(mutex_);
    Seen& seen = seen_[command.name];
    ++seen.count;
    seen.last = command.body;
    for (auto at = faults_.begin(); at != faults_.end(); ++at) {
      if (at->command != "*" && at->command != command.name) continue;
      if (at->skip > 0) {
        --at->skip;
        continue;
      }
      taken = *at;
      if (at->times > 0) --at->times;
      if (at->times == 0) faults_.erase(at);
      break;
    }
  }
  came_.notify_all();
  return taken;
}

int Script::count(std::string_view command) const {
  const std::lock_guard lock(mutex_);
  const auto at = seen_.find(command);
  return at == seen_.end() ? 0 : at->second.count;
}

bool Script::wait_count(std::string_view command, int at_least,
                        std::chrono::milliseconds time) const {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, time, [&] {
    const auto at = seen_.find(command);
    return at != seen_.end() && at->second.count >= at_least;
  });
}

std::string Script::last(std::string_view command) const {
  const std::lock_guard lock(mutex_);
  const auto at = seen_.find(command);
  return at == seen_.end() ? std::string() : at->second.last;
}

} // namespace panier::support::wire
