// CORS: who is granted what, and that it is silent where it is not set up.
#include "api/cors.hpp"

#include <gtest/gtest.h>

#include "api/cart_api.hpp"
#include "fake_service.hpp"

namespace panier::api {
namespace {

using http::Method;
using test::header;
using test::send;

constexpr const char* front = "http://localhost:4200";
constexpr const char* allow_origin = "Access-Control-Allow-Origin";

struct Row {
  const char* what;
  std::vector<std::string> origins;
  bool on;
  const char* origin; // nullptr: no Origin
  const char* granted;
  const char* vary;
};

TEST(Cors, GrantsTheOriginsOfTheListAndNoOther) {
  const Row table[] = {
      {"not set", {}, true, front, "(absent)", "(absent)"},
      {"switched off", {front}, false, front, "(absent)", "(absent)"},
      {"in the list", {"http://a.example", front}, true, front, front, "Origin"},
      {"not in the list", {front}, true, "http://evil.example", "(absent)", "Origin"},
      {"other port", {front}, true, "http://localhost:4201", "(absent)", "Origin"},
      {"only a prefix", {front}, true, "http://localhost:42001", "(absent)", "Origin"},
      {"null", {front}, true, "null", "(absent)", "Origin"},
      {"no origin", {front}, true, nullptr, "(absent)", "Origin"},
      {"every origin", {"*"}, true, "http://evil.example", "*", "(absent)"},
      {"every origin, none named", {"*"}, true, nullptr, "(absent)", "(absent)"},
  };
  for (const auto& row : table) {
    SCOPED_TRACE(row.what);
    test::FakeService service;
    const auto router = make_cart_router(service, {.cors_origins = row.origins, .cors = row.on});
    test::HeaderList headers;
    if (row.origin != nullptr) headers.emplace_back("Origin", row.origin);
    // A success and an error of the router are decorated alike.
    for (const auto* path : {"/paniers/health", "/nowhere"}) {
      const auto response = send(router, Method::get, path, headers);
      EXPECT_EQ(header(response, allow_origin), row.granted);
      EXPECT_EQ(header(response, "Vary"), row.vary);
      const bool granted = response.headers.find(allow_origin) != nullptr;
      EXPECT_EQ(header(response, "Access-Control-Expose-Headers"),
                granted ? "ETag, Retry-After, X-Panier-Mirror, X-Panier-Degraded" : "(absent)");
      EXPECT_EQ(header(response, "Access-Control-Allow-Methods"), "(absent)");
      EXPECT_EQ(header(response, "Access-Control-Allow-Credentials"), "(absent)");
    }
  }
}

TEST(Cors, AnswersAPreflight) {
  test::FakeService service;
  const auto router = make_cart_router(service, {.cors_origins = {front}});
  const auto response = send(router, Method::options, "/paniers/add_to_cart/u1",
                             {{"Origin", front}, {"Access-Control-Request-Method", "PATCH"}});
  EXPECT_EQ(response.status, 204u);
  EXPECT_EQ(header(response, allow_origin), front);
  EXPECT_EQ(header(response, "Access-Control-Allow-Methods"),
            "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
  EXPECT_EQ(header(response, "Access-Control-Allow-Headers"),
            "Content-Type, Idempotency-Key, If-Match, If-None-Match");
  EXPECT_EQ(header(response, "Access-Control-Max-Age"), "600");
  EXPECT_TRUE(service.writes.empty());
  const auto plain = send(router, Method::options, "/paniers/add_to_cart/u1");
  EXPECT_EQ(plain.status, 204u);
  EXPECT_EQ(header(plain, "Access-Control-Allow-Methods"), "(absent)");
}

} // namespace
} // namespace panier::api
