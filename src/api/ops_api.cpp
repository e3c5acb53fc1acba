#include "api/ops_api.hpp"

#include <optional>

#include "api/body.hpp"
#include "api/health_answer.hpp"
#include "api/messages.hpp"
#include "api/responses.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"

namespace panier::api {

namespace {

using http::Method;
using http::Request;
using http::Respond;
using http::Response;
using service::CartService;
using service::Policy;

Response livez(CartService&, const Request&) {
  auto json = success_body();
  json.key("status").text("alive");
  return json_answer(200, std::move(json));
}

// Ready is "writes can be taken"; if not, it says what a write is told, and health says more.
Response readyz(CartService& service, const Request&) {
  const auto ready = service.ready();
  if (ready) {
    auto json = success_body();
    json.key("status").text("ready");
    return json_answer(200, std::move(json));
  }
  auto json = error_body(ready.error());
  json.key("status").text("not_ready");
  return end_error_answer(ready.error(), std::move(json));
}

Response policy_answer(Policy policy) {
  auto json = success_body();
  json.key("policy").text(policy_name(policy));
  return json_answer(200, std::move(json));
}

Response get_policy(CartService& service, const Request&) {
  return policy_answer(service.policy());
}

std::optional<Policy> parse_policy(std::string_view text) {
  for (const auto policy : {Policy::strict, Policy::available})
    if (policy_name(policy) == text) return policy;
  return std::nullopt;
}

Response put_policy(CartService& service, const Request& request) {
  const auto body = read_body(request);
  if (!body) return error_answer(body.error());
  const auto text = read_text(*body, "policy");
  if (!text) return error_answer(text.error());
  const auto policy = parse_policy(*text);
  if (!policy) return error_answer({Errc::invalid_field, "policy", *text});
  service.set_policy(*policy);
  runtime::log::warn("write policy set",
                     {{"policy", policy_name(*policy)}, {"peer", request.peer}});
  return policy_answer(*policy);
}

struct Route {
  Method method;
  std::string_view pattern;
  std::string_view name;
  Response (*handle)(CartService&, const Request&);
};

constexpr Route routes[] = {
    {Method::get, "/livez", "livez", livez},
    {Method::get, "/readyz", "readyz", readyz},
    {Method::get, "/policy", "get_policy", get_policy},
    {Method::put, "/policy", "put_policy", put_policy},
};

} // namespace

http::Router make_ops_router(CartService& service, std::function<std::string()> metrics_text) {
  http::Router router(error_answer);
  for (const auto& route : routes) {
    router.add(route.method, route.pattern, std::string(route.name),
               [&service, handle = route.handle](Request&& request, Respond respond) {
                 respond(handle(service, request));
               });
  }
  router.add(Method::get, "/metrics", "metrics",
             [metrics_text = std::move(metrics_text)](Request&&, Respond respond) {
               Response response;
               response.content_type = runtime::Metrics::content_type;
               response.body = metrics_text();
               response.headers.add("Cache-Control", "no-store");
               respond(std::move(response));
             });
  return router;
}

} // namespace panier::api
