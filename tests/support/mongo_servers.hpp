// A real FerretDB server of one's own (an independent MongoDB server on SQLite files), in a
// temporary directory and on a free port, for tests that freeze it, kill it and start it again. It
// ends with the test, also if the test is killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace panier::support {

// Every method throws std::runtime_error when it cannot do what it is asked.
class FerretServer {
public:
  // Listening. Builds the program first, if that was not done yet (scripts/build-ferretdb).
  FerretServer();
  ~FerretServer();
  FerretServer(const FerretServer&) = delete;
  FerretServer& operator=(const FerretServer&) = delete;

  // One for the whole program. For tests that leave it as they found it.
  static FerretServer& shared();

  void freeze(); // SIGSTOP: connections stay open, nothing is answered
  void thaw();
  void kill();  // SIGKILL
  void start(); // again, on the same port and data

  // mongodb://127.0.0.1:port/<a new database>
  [[nodiscard]] std::string fresh_uri();

private:
  void launch(int output);
  void reap() noexcept;

  const std::string program_;
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1; // -1: not running
  int databases_ = 0;
};

} // namespace panier::support
