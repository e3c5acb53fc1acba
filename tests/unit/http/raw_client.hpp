// A blocking TCP client that sends exactly the bytes it is told, and a server to talk to. Every
// wait has a bound, so that a server that hangs fails a test instead of stopping it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/server.hpp"

namespace panier::http::test {

using namespace std::chrono_literals;

struct Answer {
  unsigned status = 0; // 0: none came
  std::string head;
  std::string body;
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == head.npos) return {};
    const auto from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }
};

class RawClient {
public:
  static constexpr int silence_ms_max = 10'000;

  explicit RawClient(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), in_(std::move(other.in_)) {
  }
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] bool connected() const { return connected_; }
  // False: the server has closed, or takes nothing for too long.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd out{fd_, POLLOUT, 0};
      if (::poll(&out, 1, silence_ms_max) != 1) return false;
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  // The next answer; `with_body` is false for an answer to HEAD.
  Answer read(bool with_body = true) {
    Answer answer;
    std::size_t end;
    while ((end = in_.find("\r\n\r\n")) == in_.npos) {
      if (!fill()) return answer;
    }
    answer.head = in_.substr(0, end + 4);
    in_.erase(0, end + 4);
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    const auto length = answer.header("Content-Length");
    std::size_t size = 0;
    std::from_chars(length.data(), length.data() + length.size(), size);
    if (!with_body) size = 0;
    while (in_.size() < size) {
      if (!fill()) return {};
    }
    answer.body = in_.substr(0, size);
    in_.erase(0, size);
    return answer;
  }
  Answer ask(std::string_view bytes) {
    send(bytes);
    return read();
  }
  // True when the server ends the connection without sending anything more.
  bool closed() {
    while (fill()) {
    }
    return ended_ && in_.empty();
  }
  // Whether the server has anything to say within `wait`: for what must NOT happen.
  bool says_something(std::chrono::milliseconds wait) {
    pollfd in{fd_, POLLIN, 0};
    return !in_.empty() || ::poll(&in, 1, static_cast<int>(wait.count())) == 1;
  }
  [[nodiscard]] bool was_reset() const { return reset_; }

private:
  bool fill() {
    if (!in_.empty() && ended_) return false;
    pollfd in{fd_, POLLIN, 0};
    if (::poll(&in, 1, silence_ms_max) != 1) return false;
    char buffer[16 * 1024];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ended_ = true;
      reset_ = got < 0;
      return false;
    }
    in_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string in_;
};

// Errors as "code" in the body; the statuses that the API will give them.
inline Response error_page(const Error& error) {
  Response response;
  response.body = std::string(to_string(error.code));
  response.content_type = "text/plain";
  switch (error.code) {
  case Errc::route_not_found: response.status = 404; break;
  case Errc::method_not_allowed: response.status = 405; break;
  case Errc::request_timeout: response.status = 408; break;
  case Errc::body_too_large: response.status = 413; break;
  case Errc::expectation_failed: response.status = 417; break;
  case Errc::headers_too_large: response.status = 431; break;
  case Errc::internal: response.status = 500; break;
  case Errc::not_implemented: response.status = 501; break;
  case Errc::overloaded: response.status = 503; break;
  case Errc::outcome_unknown: response.status = 504; break;
  default: response.status = 400; break;
  }
  return response;
}

inline Response text(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

// Routes that every suite may use: GET /hello, POST|PATCH /echo (the body), GET /user/{id} (the
// parameter).
inline void add_common_routes(Router& router) {
  router.add(Method::get, "/hello", "hello",
             [](Request&&, Respond respond) { respond(text("hello")); });
  const auto echo = [](Request&& request, Respond respond) {
    respond(text(std::move(request.body)));
  };
  router.add(Method::post, "/echo", "echo", echo);
  router.add(Method::patch, "/echo", "echo", echo);
  router.add(Method::get, "/user/{id}", "user",
             [](Request&& request, Respond respond) { respond(text(request.params.at(0))); });
}

// Short enough to test what happens after them, long enough not to be met by accident.
inline Settings quick_settings() {
  Settings settings;
  settings.threads = 2;
  settings.request_timeout = 400ms;
  settings.idle_timeout = 5s;
  settings.drain_timeout = 300ms;
  settings.headers_bytes_max = 2048;
  settings.headers_count_max = 20;
  settings.body_bytes_max = 4096;
  settings.accept_pause = 10ms;
  settings.tick = 10ms;
  return settings;
}

} // namespace panier::http::test
