#include "api/cors.hpp"

#include <algorithm>

namespace panier::api {

namespace {

constexpr const char* methods = "GET, HEAD, POST, PATCH, DELETE, OPTIONS";
constexpr const char* request_headers = "Content-Type, Idempotency-Key, If-Match, If-None-Match";
constexpr const char* exposed_headers = "ETag, Retry-After, X-Panier-Mirror, X-Panier-Degraded";
constexpr const char* preflight_max_age_s = "600";

bool is_preflight(const http::Request& request) {
  return request.method == http::Method::options &&
         request.headers.find("Access-Control-Request-Method") != nullptr;
}

void add_grant(const http::Request& request, std::string origin, http::Headers& headers) {
  headers.set("Access-Control-Allow-Origin", std::move(origin));
  if (!is_preflight(request)) {
    headers.set("Access-Control-Expose-Headers", exposed_headers);
    return;
  }
  headers.set("Access-Control-Allow-Methods", methods);
  headers.set("Access-Control-Allow-Headers", request_headers);
  headers.set("Access-Control-Max-Age", preflight_max_age_s);
}

} // namespace

http::Router::Decorate make_cors(std::vector<std::string> origins) {
  if (origins.empty()) return {};
  const bool any = std::ranges::find(origins, "*") != origins.end();
  return
      [origins = std::move(origins), any](const http::Request& request, http::Response& response) {
        // The answer differs by origin, so caches must know, also for a request that names none.
        if (!any) response.headers.add("Vary", "Origin");
        const auto* origin = request.headers.find("Origin");
        if (origin == nullptr) return;
        if (any) return add_grant(request, "*", response.headers);
        if (std::ranges::find(origins, *origin) == origins.end()) return;
        add_grant(request, *origin, response.headers);
      };
}

} // namespace panier::api
