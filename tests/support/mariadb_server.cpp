#include "support/mariadb_server.hpp"

#include <csignal>
#include <cstdlib>
#include <mysql.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace panier::support {
namespace {

using namespace std::chrono_literals;

constexpr auto start_time_max = 60s;
constexpr auto start_poll_every = 20ms;
constexpr int starts_max = 3; // a free port may be taken by somebody else meanwhile

struct Close {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Connection = std::unique_ptr<MYSQL, Close>;

// Over the socket file, which root may use without a password.
Connection connect_as_root(const std::filesystem::path& directory, const std::string& database) {
  Connection connection(mysql_init(nullptr));
  const auto socket = (directory / "s").string();
  const char* db = database.empty() ? nullptr : database.c_str();
  if (mysql_real_connect(connection.get(), "localhost", "root", "", db, 0, socket.c_str(),
                         CLIENT_MULTI_STATEMENTS) == nullptr)
    return nullptr;
  return connection;
}

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error("MariadbServer: " + what);
}

} // namespace

MariadbServer::MariadbServer(Commits commits) : commits_(commits) {
  std::string name = (std::filesystem::temp_directory_path() / "panier-mariadb-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) give_up("no temporary directory");
  directory_ = name;
  try {
    start();
  } catch (...) {
    reap();
    std::filesystem::remove_all(directory_);
    throw;
  }
}

MariadbServer::~MariadbServer() {
  reap();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

MariadbServer& MariadbServer::shared() {
  static MariadbServer server(Commits::fast);
  return server;
}

void MariadbServer::freeze() {
  ::kill(pid_, SIGSTOP);
  int status = 0; // returns when it has really stopped
  waitpid(pid_, &status, WUNTRACED);
}

void MariadbServer::thaw() {
  ::kill(pid_, SIGCONT);
}

void MariadbServer::kill() {
  reap();
}

void MariadbServer::reap() noexcept {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void MariadbServer::start() {
  for (int attempt = 1; attempt <= starts_max; ++attempt) {
    launch();
    const auto deadline = std::chrono::steady_clock::now() + start_time_max;
    while (pid_ > 0 && std::chrono::steady_clock::now() < deadline) {
      if (answers()) {
        std::ifstream(directory_ / "port") >> port_;
        return;
      }
      std::this_thread::sleep_for(start_poll_every); // another process: nothing to wait on
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    }
    reap();
    if (port_ == 0) std::filesystem::remove(directory_ / "port");
  }
  std::ifstream log(directory_ / "server.log");
  give_up("does not start: " + std::string(std::istreambuf_iterator<char>(log), {}));
}

void MariadbServer::launch() {
  const auto directory = directory_.string();
  std::vector<const char*> arguments{STACK_MARIADB, "run", directory.c_str()};
  if (commits_ == Commits::fast) arguments.push_back("--fast");
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) give_up("fork failed");
  if (pid_ > 0) return;
  // So that a killed test leaves no server behind. Tests start servers on their main thread, whose
  // end this means.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execv(STACK_MARIADB, const_cast<char* const*>(arguments.data()));
  _exit(127);
}

bool MariadbServer::answers() {
  return connect_as_root(directory_, "") != nullptr;
}

std::string MariadbServer::fresh_database() {
  const auto name = "test_" + std::to_string(++databases_);
  run("CREATE DATABASE " + name + "; GRANT ALL ON " + name + ".* TO " + user() + "@'%'");
  return name;
}

void MariadbServer::run(const std::string& sql, const std::string& database) {
  (void)ask(sql, database);
}

std::string MariadbServer::ask(const std::string& sql, const std::string& database) {
  const auto connection = connect_as_root(directory_, database);
  if (!connection) give_up("root cannot connect");
  std::string first;
  int state = mysql_real_query(connection.get(), sql.data(), sql.size());
  for (; state == 0; state = mysql_next_result(connection.get())) {
    const std::unique_ptr<MYSQL_RES, Close> result(mysql_store_result(connection.get()));
    if (!result) continue;
    if (const auto row = mysql_fetch_row(result.get()); row != nullptr && row[0] != nullptr)
      first = row[0];
  }
  if (state > 0) give_up(sql + ": " + mysql_error(connection.get()));
  return first;
}

} // namespace panier::support
