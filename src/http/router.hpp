// Path and method to handler: a table filled at start, read by all threads. Knows no carts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace panier::http {

class Router {
public:
  explicit Router(ErrorPage error_page) : error_page_(std::move(error_page)) {}

  // `pattern` is a path whose {segments} are parameters: "/paniers/add_to_cart/{user}". Literal
  // segments win over parameters. `name` is the route's label in metrics and logs. Everything is
  // added before a server starts; the router outlives the servers that use it.
  void add(Method method, std::string_view pattern, std::string name, Handler handler);

  // Adds to every answer of this router, errors of the transport included (CORS). Called last, with
  // the request (without its body; nothing but the peer when the head could not be read).
  using Decorate = std::function<void(const Request&, Response&)>;
  void decorate(Decorate decorate) { decorate_ = std::move(decorate); }
  // Whether finish() looks at the request: if not, nobody needs to keep a copy for it.
  [[nodiscard]] bool decorates() const noexcept { return static_cast<bool>(decorate_); }

  // What to do with this request: fills request.params. Unknown path: 404; known path, other
  // method: 405 with Allow; HEAD runs GET's handler (the transport drops the body); OPTIONS: 204
  // with Allow unless a handler was added for it. Segments are compared after they were decoded
  // once, so an encoded slash never splits one; a parameter is never empty (a trailing or double
  // slash is 404).
  struct Match {
    Handler const* handler = nullptr; // nullptr: answer with `error`
    std::string_view route;           // name; "unmatched" for 404
    Response error;
  };
  [[nodiscard]] Match match(Request& request) const;
  [[nodiscard]] Response error_page(const Error& error) const { return error_page_(error); }
  void finish(const Request& request, Response& response) const {
    if (decorate_) decorate_(request, response);
  }

private:
  struct Segment {
    bool parameter = false;
    std::string literal; // when it is no parameter
    bool operator==(const Segment&) const = default;
  };
  struct Entry {
    Method method;
    std::string name;
    Handler handler;
  };
  struct Route {
    std::vector<Segment> segments;
    std::vector<Entry> entries;
    [[nodiscard]] const Entry* entry(Method method) const;
    [[nodiscard]] std::string allow() const; // with HEAD where GET is, and OPTIONS
  };
  [[nodiscard]] const Route* find(const std::vector<std::string>& segments) const;
  [[nodiscard]] Match choose(const Route& route, Method method) const;

  ErrorPage error_page_;
  Decorate decorate_;
  std::vector<Route>
      routes_; // literals before parameters, segment by segment: the first that fits is the one
};

} // namespace panier::http
