#include "runtime/log_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace panier::runtime::log {
namespace {

// O_NONBLOCK belongs to the open file, which we share with whoever started us, so it is not ours to
// set. Opening the pipe again gives an open file of our own. Not allowed (a pipe of root's, in a
// container)? Then poll() alone stands between us and a full pipe; a line of at most PIPE_BUF fits
// wherever poll() says so, unless another writer is faster.
int open_again(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

} // namespace

Output::Output(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return;
  socket_ = S_ISSOCK(status.st_mode);
  if (S_ISFIFO(status.st_mode)) fd_ = open_again(fd);
  if (fd_ < 0) fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

Output::~Output() {
  if (fd_ >= 0) ::close(fd_);
}

bool Output::write(std::string_view line) {
  if (!writable()) return false;
  if (torn_) torn_ = write_some("\n") != 1;
  if (torn_) return false;
  const auto written = write_some(line);
  torn_ = written > 0 && written < static_cast<ssize_t>(line.size());
  return written == static_cast<ssize_t>(line.size());
}

ssize_t Output::write_some(std::string_view bytes) {
  ssize_t written = -1;
  do {
    written = socket_ ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                      : ::write(fd_, bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

bool Output::writable() {
  using namespace std::chrono;
  if (fd_ < 0) return false;
  pollfd poller{fd_, POLLOUT, 0};
  if (::poll(&poller, 1, 0) > 0) {
    if (!hurry_.load(std::memory_order_relaxed)) patience_ = patience_max;
    return (poller.revents & POLLOUT) != 0;
  }
  if (patience_ <= 0ms) return false;
  const auto begin = steady_clock::now(); // real time: this waits for another process
  const int ready = ::poll(&poller, 1, static_cast<int>(patience_.count()));
  patience_ -= ceil<milliseconds>(steady_clock::now() - begin);
  return ready > 0 && (poller.revents & POLLOUT) != 0;
}

} // namespace panier::runtime::log
