// Every route and everything that can be wrong: status, JSON and headers, and that the service is
// not bothered.
#include <gtest/gtest.h>

#include "all_errc.hpp"
#include "api/cart_api.hpp"
#include "api/messages.hpp"
#include "fake_service.hpp"

namespace panier::api {
namespace {

using http::Method;
using test::header;
using test::send;

struct RouteOf {
  Method method;
  std::string path; // without the user
  bool body;
};

const RouteOf writes[] = {
    {Method::post, "/paniers/create_cart/", false},
    {Method::patch, "/paniers/add_to_cart/", true},
    {Method::patch, "/paniers/edit_cart/", true},
    {Method::patch, "/paniers/remove_from_cart/", true},
    {Method::del, "/paniers/vider_panier/", false},
    {Method::del, "/paniers/delete_cart/", false},
};

class CartErrors : public testing::Test {
protected:
  test::FakeService service_;
  http::Router router_ = make_cart_router(service_, {});
};

void expect_error(const http::Response& response, Errc code, const std::string& field = {}) {
  const auto message = message_of(code);
  EXPECT_EQ(response.status, message.status);
  auto body = R"({"error":true,"code":")" + std::string(message.code) + R"(","message":")" +
              std::string(message.text) + "\"";
  if (!field.empty()) body += R"(,"field":")" + field + "\"";
  EXPECT_EQ(response.body, body + "}");
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(header(response, "Retry-After"),
            message.retry_after ? std::to_string(message.retry_after->count()) : "(absent)");
  EXPECT_EQ(header(response, "ETag"), "(absent)");
}

TEST_F(CartErrors, EveryRouteTellsEveryErrorOfTheService) {
  for (const auto code : test::all_errc()) {
    SCOPED_TRACE(to_string(code));
    service_.write_result = fail(code, "a detail for the log", "quantite");
    service_.read_result = fail(code, "a detail for the log");
    for (const auto& route : writes) {
      SCOPED_TRACE(route.path);
      expect_error(send(router_, route.method, route.path + "u1", {}, R"({"article_id":"a"})"),
                   code, "quantite");
    }
    expect_error(send(router_, Method::get, "/paniers/u1"), code);
  }
}

TEST_F(CartErrors, AUserThatCannotBe) {
  for (const std::string user :
       {"health", "openapi.yaml", "create_cart", "add_to_cart", "edit_cart", "remove_from_cart",
        "vider_panier", "delete_cart", "a%20b", "caf%C3%A9", "a%2Fb", "%00", "a+b"}) {
    SCOPED_TRACE(user);
    for (const auto& route : writes)
      expect_error(send(router_, route.method, route.path + user, {}, R"({"article_id":"a"})"),
                   Errc::invalid_field, "user_id");
  }
  for (const auto& user : {std::string("create_cart"), std::string("vider_panier"),
                           std::string("a%20b"), std::string(65, 'a')})
    expect_error(send(router_, Method::get, "/paniers/" + user), Errc::invalid_field, "user_id");
  EXPECT_TRUE(service_.writes.empty());
  EXPECT_TRUE(service_.reads.empty());
}

TEST_F(CartErrors, AUserIsDecodedOnce) {
  service_.read_result = fail(Errc::cart_not_found);
  send(router_, Method::get, "/paniers/a%40b");
  EXPECT_EQ(service_.reads.back().text(), "a@b");
  expect_error(send(router_, Method::get, "/paniers/a%2540b"), Errc::invalid_field, "user_id");
}

struct BodyRow {
  const char* body;
  Errc code;
  const char* field = "";
};

TEST_F(CartErrors, ABodyThatCannotBe) {
  const BodyRow table[] = {
      {"", Errc::malformed_json},
      {"[]", Errc::malformed_json},
      {"null", Errc::malformed_json},
      {R"({"article_id":"a"}x)", Errc::malformed_json},
      {R"({"article_id":"a","article_id":"a"})", Errc::duplicate_json_key},
      {R"({})", Errc::invalid_field, "article_id"},
      {R"({"article_id":null})", Errc::invalid_field, "article_id"},
      {R"({"article_id":4.2})", Errc::invalid_field, "article_id"},
      {R"({"article_id":"é"})", Errc::invalid_field, "article_id"},
  };
  for (const auto& route : writes) {
    if (!route.body) continue;
    SCOPED_TRACE(route.path);
    for (const auto& row : table)
      expect_error(send(router_, route.method, route.path + "u1", {}, row.body), row.code,
                   row.field);
    expect_error(send(router_, route.method, route.path + "u1", {{"Content-Type", "text/plain"}},
                      R"({"article_id":"a"})"),
                 Errc::unsupported_media_type);
  }
  for (const std::string path : {"/paniers/add_to_cart/u1", "/paniers/edit_cart/u1"})
    for (const auto* quantity : {"null", "true", "\"1e3\"", "\" 5\"", "0.30000000000000004",
                                 "1e400", "\"\"", "[]", "1000001"}) {
      const auto body = R"({"article_id":"a","quantite":)" + std::string(quantity) + "}";
      expect_error(send(router_, Method::patch, path, {}, body), Errc::invalid_field, "quantite");
    }
  EXPECT_TRUE(service_.writes.empty());
}

TEST_F(CartErrors, HeadersThatCannotBe) {
  for (const auto& route : writes) {
    SCOPED_TRACE(route.path);
    const auto with = [&](const char* name, const char* value) {
      return send(router_, route.method, route.path + "u1", {{name, value}},
                  R"({"article_id":"a"})");
    };
    expect_error(with("If-Match", "1764000000001"), Errc::invalid_if_match);
    expect_error(with("If-Match", ""), Errc::invalid_if_match);
    expect_error(with("Idempotency-Key", ""), Errc::invalid_idempotency_key);
    expect_error(with("Idempotency-Key", "cl\xc3\xa9"), Errc::invalid_idempotency_key);
  }
  EXPECT_TRUE(service_.writes.empty());
}

TEST_F(CartErrors, PathsAreMatchedAsSent) {
  for (const auto* path :
       {"/", "/paniers", "/paniers/", "/paniers/u1/", "/paniers//u1", "//paniers/u1",
        "/paniers/u1/x", "/Paniers/u1", "/paniers/create_cart/", "/paniers/create_cart/u1/",
        "/paniers/create_cart//u1", "/paniers/nothing/u1", "/metrics", "/policy"}) {
    SCOPED_TRACE(path);
    expect_error(send(router_, Method::get, path), Errc::route_not_found);
  }
}

TEST_F(CartErrors, AnotherMethodIsToldWhichOnesThereAre) {
  const std::tuple<const char*, Method, const char*> table[] = {
      {"/paniers/u1", Method::post, "GET, HEAD, OPTIONS"},
      {"/paniers/health", Method::del, "GET, HEAD, OPTIONS"},
      {"/paniers/openapi.yaml", Method::put, "GET, HEAD, OPTIONS"},
      {"/paniers/create_cart/u1", Method::get, "POST, OPTIONS"},
      {"/paniers/add_to_cart/u1", Method::post, "PATCH, OPTIONS"},
      {"/paniers/edit_cart/u1", Method::put, "PATCH, OPTIONS"},
      {"/paniers/remove_from_cart/u1", Method::del, "PATCH, OPTIONS"},
      {"/paniers/vider_panier/u1", Method::patch, "DELETE, OPTIONS"},
      {"/paniers/delete_cart/u1", Method::head, "DELETE, OPTIONS"},
      {"/paniers/delete_cart/u1", Method::other, "DELETE, OPTIONS"},
  };
  for (const auto& [path, method, allow] : table) {
    SCOPED_TRACE(path);
    const auto response = send(router_, method, path);
    expect_error(response, Errc::method_not_allowed);
    EXPECT_EQ(header(response, "Allow"), allow);
  }
  const auto options = send(router_, Method::options, "/paniers/u1");
  EXPECT_EQ(options.status, 204u);
  EXPECT_EQ(header(options, "Allow"), "GET, HEAD, OPTIONS");
}

} // namespace
} // namespace panier::api
