#include "api/cart_api.hpp"

#include <array>

#include "api/body.hpp"
#include "api/cart_answer.hpp"
#include "api/contract.hpp"
#include "api/cors.hpp"
#include "api/etag.hpp"
#include "api/health_answer.hpp"
#include "api/idempotency.hpp"
#include "api/responses.hpp"

namespace panier::api {

namespace {

using cart::OperationKind;
using http::Method;
using http::Request;
using http::Respond;

struct Api {
  service::CartService& service;
  bool has_mirror;
};

template <OperationKind kind>
void write_cart(const Api& api, Request&& request, Respond respond);
void read_cart(const Api& api, Request&& request, Respond respond);
void read_health(const Api& api, Request&& request, Respond respond);
void read_contract(const Api& api, Request&& request, Respond respond);

struct Route {
  Method method;
  std::string_view pattern;
  std::string_view name;
  void (*handle)(const Api&, Request&&, Respond);
};

// The whole API in one look.
constexpr std::array routes = {
    Route{Method::get, "/paniers/health", "health", read_health},
    Route{Method::get, "/paniers/openapi.yaml", "contract", read_contract},
    Route{Method::get, "/paniers/{user_id}", "get_cart", read_cart},
    Route{Method::post, "/paniers/create_cart/{user_id}", "create_cart",
          write_cart<OperationKind::create>},
    Route{Method::patch, "/paniers/add_to_cart/{user_id}", "add_to_cart",
          write_cart<OperationKind::add>},
    Route{Method::patch, "/paniers/edit_cart/{user_id}", "edit_cart",
          write_cart<OperationKind::edit>},
    Route{Method::patch, "/paniers/remove_from_cart/{user_id}", "remove_from_cart",
          write_cart<OperationKind::remove>},
    Route{Method::del, "/paniers/vider_panier/{user_id}", "vider_panier",
          write_cart<OperationKind::empty>},
    Route{Method::del, "/paniers/delete_cart/{user_id}", "delete_cart",
          write_cart<OperationKind::erase>},
};

// A user by the name of a route could never read their cart: GET /paniers/health is not theirs.
bool is_reserved(std::string_view user) {
  static constexpr std::string_view prefix = "/paniers/";
  return std::ranges::any_of(routes, [&](const Route& route) {
    const auto rest = route.pattern.substr(prefix.size());
    return rest.substr(0, rest.find('/')) == user;
  });
}

Result<cart::UserId> parse_user(const Request& request) {
  const auto& text = request.params.front();
  auto user = cart::UserId::parse(text);
  if (!user) return fail(Errc::invalid_field, "not an identifier", "user_id");
  if (is_reserved(text)) return fail(Errc::invalid_field, "the name of a route", "user_id");
  return *std::move(user);
}

// Fills in what the body says of the line; the other kinds ignore their body.
Result<void> parse_line(const Request& request, cart::Operation& operation) {
  const auto body = read_body(request);
  if (!body) return std::unexpected(body.error());
  auto article = read_article_id(*body);
  if (!article) return std::unexpected(article.error());
  operation.line = std::move(*article);
  if (operation.kind == OperationKind::remove) return {};
  const auto quantity = read_quantity(*body);
  if (!quantity) return std::unexpected(quantity.error());
  operation.quantity = *quantity;
  return {};
}

Result<commit::WriteRequest> parse_write(const Request& request, OperationKind kind) {
  auto user = parse_user(request);
  if (!user) return std::unexpected(user.error());
  auto if_match = parse_if_match(request.headers);
  if (!if_match) return std::unexpected(if_match.error());
  auto idempotency = parse_idempotency(request);
  if (!idempotency) return std::unexpected(idempotency.error());
  commit::WriteRequest write{.operation = {.kind = kind,
                                           .user = std::move(*user),
                                           .line = std::nullopt,
                                           .quantity = {},
                                           .if_match = std::move(*if_match)},
                             .idempotency = *idempotency};
  const bool about_a_line =
      kind == OperationKind::add || kind == OperationKind::edit || kind == OperationKind::remove;
  if (!about_a_line) return write;
  if (auto line = parse_line(request, write.operation); !line) return std::unexpected(line.error());
  return write;
}

template <OperationKind kind>
void write_cart(const Api& api, Request&& request, Respond respond) {
  auto write = parse_write(request, kind);
  if (!write) return respond(error_answer(write.error()));
  auto article = write->operation.line;
  auto done = [respond = std::move(respond), article = std::move(article),
               has_mirror = api.has_mirror](Result<commit::Receipt> receipt) mutable {
    if (!receipt) return respond(failure_answer(receipt.error(), to_string(kind)));
    respond(write_answer(*receipt, article, has_mirror));
  };
  api.service.write(std::move(*write), std::move(done));
}

http::Response no_cart_answer(const Error& error) {
  auto response = failure_answer(error, "get_cart");
  // The ledger may know a cart that the mirror does not: a reader must be able to tell.
  if (error.code == Errc::cart_not_in_mirror) response.headers.add("X-Panier-Degraded", "mirror");
  return response;
}

void read_cart(const Api& api, Request&& request, Respond respond) {
  auto user = parse_user(request);
  if (!user) return respond(error_answer(user.error()));
  auto done = [respond = std::move(respond),
               if_none_match = request.headers.joined("If-None-Match")](
                  Result<service::ShownCart> cart) mutable {
    if (!cart) return respond(no_cart_answer(cart.error()));
    respond(cart_answer(*cart, if_none_match));
  };
  api.service.read(std::move(*user), std::move(done));
}

void read_health(const Api& api, Request&&, Respond respond) {
  respond(health_answer(api.service.health()));
}

void read_contract(const Api&, Request&& request, Respond respond) {
  static const std::string etag = document_etag(contract_yaml());
  http::Response response;
  response.content_type = "application/yaml";
  response.body = contract_yaml();
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("ETag", etag);
  if (names_etag(request.headers.joined("If-None-Match"), etag)) {
    response.status = 304;
    response.content_type = {};
    response.body.clear();
  }
  respond(std::move(response));
}

} // namespace

http::Router make_cart_router(service::CartService& service, ApiSettings settings) {
  http::Router router(error_answer);
  const Api api{service, settings.has_mirror};
  for (const auto& route : routes) {
    router.add(route.method, route.pattern, std::string(route.name),
               [api, handle = route.handle](Request&& request, Respond respond) {
                 handle(api, std::move(request), std::move(respond));
               });
  }
  if (settings.cors) router.decorate(make_cors(std::move(settings.cors_origins)));
  return router;
}

} // namespace panier::api
