// How far a long run is: a bar on a terminal, a line a second otherwise. On standard error, so that
// the report on standard output is the same however it is watched.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace panier::migrate {

class Progress {
public:
  Progress(std::FILE* out, bool terminal) : out_(out), terminal_(terminal) {}
  // The next piece of work: "reading", and how much of it there is.
  void start(std::string what, std::int64_t total);
  void advance(std::int64_t by = 1);
  void finish();
  // A line of its own.
  void say(const std::string& line);

private:
  void show(std::chrono::steady_clock::time_point now);

  std::FILE* const out_;
  const bool terminal_;
  std::string what_;
  std::int64_t total_ = 0;
  std::int64_t done_ = 0;
  std::chrono::steady_clock::time_point shown_{};
};

} // namespace panier::migrate
