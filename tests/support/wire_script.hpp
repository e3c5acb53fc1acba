// What the wire double was told to do, and what it has seen. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "support/wire_commands.hpp"
#include "support/wire_fault.hpp"

namespace panier::support::wire {

class Script {
public:
  void inject(WireFault fault);
  void clear();
  // Counts the command, and takes the first fault that is its.
  [[nodiscard]] std::optional<WireFault> noticed(const Command& command);

  [[nodiscard]] int count(std::string_view command) const;
  [[nodiscard]] bool wait_count(std::string_view command, int at_least,
                                std::chrono::milliseconds time) const;
  [[nodiscard]] std::string last(std::string_view command) const; // BSON; "" if none came

private:
  struct Seen {
    int count = 0;
    std::string last;
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable came_; // a command
  // guarded by mutex_
  std::list<WireFault> faults_;
  std::map<std::string, Seen, std::less<>> seen_;
};

} // namespace panier::support::wire
