// A request and a response as handlers see them: no Beast, no sockets. Knows no carts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result/result.hpp"

namespace panier::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
[[nodiscard]] std::string_view to_string(Method method) noexcept; // "DELETE" for del

// Names are compared without case; order and repetitions are kept.
class Headers {
public:
  void add(std::string name, std::string value) {
    if (all_.empty()) all_.reserve(8); // most have fewer
    all_.emplace_back(std::move(name), std::move(value));
  }
  void set(std::string_view name, std::string value); // replaces all of that name
  // The first value, or nullptr.
  [[nodiscard]] const std::string* find(std::string_view name) const;
  // All values of that name joined by ", " (RFC 9110 list syntax); empty when there is none.
  [[nodiscard]] std::string joined(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct Request {
  Method method = Method::get;
  std::string path;                // as sent, without the query: neither decoded nor normalised
  std::vector<std::string> params; // the route's {parameters}, percent-decoded once, in order
  Headers headers;
  std::string body; // whole, de-chunked, within the limit
  std::string peer; // address of the client, for the log
};

struct Response {
  unsigned status = 200;
  Headers headers; // without Content-Length, Connection, Date, Server, Transfer-Encoding: the
                   // transport's
  std::string_view content_type = "application/json; charset=utf-8"; // fixed text; empty: none
  std::string body;
  bool close = false; // close the connection after this answer
};

// Called exactly once, on any thread.
using Respond = std::move_only_function<void(Response)>;
using Handler = std::function<void(Request&&, Respond)>;

// Renders an error that the transport itself finds (400, 404, 405, 408, 413, 417, 431, 501). The
// API supplies it, so that all errors look alike.
using ErrorPage = std::function<Response(const Error&)>;

} // namespace panier::http
