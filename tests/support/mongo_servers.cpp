#include "support/mongo_servers.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stdexcept>

namespace panier::support {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds start_time_max = 30s;

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error("FerretServer: " + what);
}

// The path that scripts/build-ferretdb prints.
std::string built_program() {
  struct Close {
    void operator()(FILE* pipe) const { pclose(pipe); }
  };
  const std::unique_ptr<FILE, Close> pipe(popen(BUILD_FERRETDB, "re"));
  char line[4096] = "";
  if (!pipe || std::fgets(line, sizeof line, pipe.get()) == nullptr)
    give_up("could not be built by " BUILD_FERRETDB);
  std::string path(line);
  path.pop_back();
  return path;
}

// The first line, within the time; "" if none comes.
std::string first_line(int input) {
  std::string line;
  const auto deadline = std::chrono::steady_clock::now() + start_time_max;
  char next = '\0';
  while (next != '\n') {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{.fd = input, .events = POLLIN, .revents = 0};
    if (left <= 0ms || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return "";
    if (read(input, &next, 1) != 1) return "";
    line += next;
  }
  return line;
}

} // namespace

FerretServer::FerretServer() : program_(built_program()) {
  std::string name = (std::filesystem::temp_directory_path() / "panier-ferretdb-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) give_up("no temporary directory");
  directory_ = name;
  try {
    start();
  } catch (...) {
    std::filesystem::remove_all(directory_);
    throw;
  }
}

FerretServer::~FerretServer() {
  reap();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

FerretServer& FerretServer::shared() {
  static FerretServer server;
  return server;
}

void FerretServer::freeze() {
  ::kill(pid_, SIGSTOP);
  int status = 0; // returns when it has really stopped
  waitpid(pid_, &status, WUNTRACED);
}

void FerretServer::thaw() {
  ::kill(pid_, SIGCONT);
}

void FerretServer::kill() {
  reap();
}

void FerretServer::reap() noexcept {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void FerretServer::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) give_up("no pipe");
  launch(ends[1]);
  close(ends[1]);
  const std::string line = first_line(ends[0]);
  close(ends[0]);
  const std::size_t colon = line.rfind(':');
  if (colon == std::string::npos) {
    reap();
    give_up("does not start; see " + (directory_ / "log").string());
  }
  port_ = static_cast<std::uint16_t>(std::stoi(line.substr(colon + 1)));
}

void FerretServer::launch(int output) {
  const std::string data = (directory_ / "data").string();
  const std::string log = (directory_ / "log").string();
  const std::string port = std::to_string(port_);
  const char* arguments[] = {program_.c_str(), "-dir",       data.c_str(),
                             "-port",          port.c_str(), nullptr};
  pid_ = fork();
  if (pid_ < 0) give_up("fork failed");
  if (pid_ > 0) return;
  // So that a killed test leaves no server behind. Tests start servers on their main thread, whose
  // end this means.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
  execv(program_.c_str(), const_cast<char* const*>(arguments));
  _exit(127);
}

std::string FerretServer::fresh_uri() {
  return "mongodb://127.0.0.1:" + std::to_string(port_) + "/test_" + std::to_string(++databases_);
}

} // namespace panier::support
