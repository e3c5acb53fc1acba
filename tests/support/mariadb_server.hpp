// A real MariaDB server of one's own, in a temporary directory and on a free port, for tests that
// must see the real thing: freeze it, kill it, start it again. It ends with the test, also if the
// test is killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace panier::support {

// Every method throws std::runtime_error when it cannot do what it is asked.
class MariadbServer {
public:
  enum class Commits { fast, durable }; // fast: no fsync

  // Started, and answering.
  explicit MariadbServer(Commits commits);
  ~MariadbServer();
  MariadbServer(const MariadbServer&) = delete;
  MariadbServer& operator=(const MariadbServer&) = delete;

  // One for the whole program, fast. For tests that leave it as they found it.
  static MariadbServer& shared();

  void freeze(); // SIGSTOP: connections stay open, nothing is answered
  void thaw();
  void kill();  // SIGKILL
  void start(); // again, on the same port and data

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] static std::string user() { return "panier"; }
  [[nodiscard]] static std::string password() { return "panier-test"; }

  // A new, empty database that user() may do everything in.
  [[nodiscard]] std::string fresh_database();
  // As root: statements separated by ';'.
  void run(const std::string& sql, const std::string& database = "");
  // As root: the first column of the first row, "" when there is none.
  [[nodiscard]] std::string ask(const std::string& sql, const std::string& database = "");

private:
  void launch();
  [[nodiscard]] bool answers();
  void reap() noexcept;

  const Commits commits_;
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1; // -1: not running
  int databases_ = 0;
};

} // namespace panier::support
