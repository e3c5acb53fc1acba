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

  // `pattern` is a path whose {segments} are parameters: "/paniers/add_to_cart/{user}". Literal segments win over
  // parameters. `name` is the route's label in metrics and logs.
  void add(Method method, std::string_view pattern, std::string name, Handler handler);

  // Adds to every answer of this router, errors of the transport included (CORS). Called last, with the request.
  using Decorate = std::function<void(const Request&, Response&)>;
  void decorate(Decorate decorate) { decorate_ = std::move(decorate); }

  // What to do with this request: fills request.params. Unknown path: 404; known path, other method: 405 with Allow;
  // HEAD runs GET's handler (the transport drops the body); OPTIONS: 204 with Allow unless a handler was added for it.
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
  struct Route {
    std::vector<std::string> segments; // "{}" for a parameter
    struct Entry {
      Method method;
      std::string name;
      Handler handler;
    };
    std::vector<Entry> entries;
  };
  ErrorPage error_page_;
  Decorate decorate_;
  std::vector<Route> routes_;
};

} // namespace panier::http
