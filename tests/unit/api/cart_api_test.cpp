// Every route of the carts: what the service is asked, and the exact answer.
#include "api/cart_api.hpp"

#include <gtest/gtest.h>

#include "api/contract.hpp"
#include "fake_service.hpp"

namespace panier::api {
namespace {

using cart::OperationKind;
using cart::Quantity;
using http::Method;
using test::header;
using test::send;

constexpr const char* id = "65f0c1d2e3a4b5c6d7e8f901";
constexpr cart::Version version = 1764000000001;

commit::Receipt receipt(OperationKind kind, std::int64_t thousandths = 0, bool existed = false,
                        bool mirrored = true) {
  commit::Receipt made;
  made.outcome = {.kind = kind,
                  .id = *cart::CartId::parse(id),
                  .version = version,
                  .quantity = Quantity::from_thousandths(thousandths),
                  .existed = existed,
                  .changed = true};
  made.mirrored = mirrored;
  return made;
}

class CartApi : public testing::Test {
protected:
  http::Response patch(const std::string& path, const std::string& body,
                       test::HeaderList headers = {{"Content-Type", "application/json"}}) {
    return send(router_, Method::patch, path, headers, body);
  }
  const commit::WriteRequest& asked() const { return service_.writes.back(); }

  test::FakeService service_;
  http::Router router_ = make_cart_router(service_, {});
};

TEST_F(CartApi, CreateCart) {
  service_.write_result = receipt(OperationKind::create);
  auto response = send(router_, Method::post, "/paniers/create_cart/u1");
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":"65f0c1d2e3a4b5c6d7e8f901"})");
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(header(response, "X-Panier-Mirror"), "(absent)");
  EXPECT_EQ(asked().operation.kind, OperationKind::create);
  EXPECT_EQ(asked().operation.user.text(), "u1");
  EXPECT_FALSE(asked().operation.line);
  EXPECT_FALSE(asked().operation.if_match);
  EXPECT_FALSE(asked().idempotency);

  service_.write_result = receipt(OperationKind::create, 0, true);
  response = send(router_, Method::post, "/paniers/create_cart/u1",
                  {{"Content-Type", "text/plain"}}, "any body is ignored");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":"65f0c1d2e3a4b5c6d7e8f901"})");
}

TEST_F(CartApi, AddToCart) {
  service_.write_result = receipt(OperationKind::add, 3500);
  const auto response = patch("/paniers/add_to_cart/u1", R"({"article_id":"a1","quantite":"1.5"})");
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":{"mariadb":"a1","mongo":"a1",)"
                           R"("version":1764000000001,"quantite":3.5}})");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(asked().operation.kind, OperationKind::add);
  EXPECT_EQ(asked().operation.line->article_id(), "a1");
  EXPECT_EQ(asked().operation.quantity.thousandths(), 1500);
}

TEST_F(CartApi, QuantityIsOneWhenAbsent) {
  for (const auto* path : {"/paniers/add_to_cart/u1", "/paniers/edit_cart/u1"}) {
    service_.write_result = receipt(OperationKind::add, 1000);
    EXPECT_EQ(patch(path, R"({"article_id":42})").status, 201u);
    EXPECT_EQ(asked().operation.quantity, Quantity::of(1));
    EXPECT_EQ(asked().operation.line->article_id(), "42");
  }
}

TEST_F(CartApi, EditCart) {
  service_.write_result = receipt(OperationKind::edit, 0);
  const auto response = patch("/paniers/edit_cart/u1", R"({"article_id":"a1","quantite":0})");
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":{"mariadb":"a1","mongo":"a1",)"
                           R"("version":1764000000001,"quantite":0}})");
  EXPECT_EQ(asked().operation.kind, OperationKind::edit);
  EXPECT_EQ(asked().operation.quantity, Quantity::of(0));
}

TEST_F(CartApi, RemoveFromCart) {
  service_.write_result = receipt(OperationKind::remove);
  const auto response =
      patch("/paniers/remove_from_cart/u1", R"({"article_id":"a1","quantite":"not read"})");
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":{"mariadb":"a1","mongo":"a1",)"
                           R"("version":1764000000001,"quantite":0}})");
  EXPECT_EQ(asked().operation.kind, OperationKind::remove);
}

TEST_F(CartApi, ViderPanier) {
  service_.write_result = receipt(OperationKind::empty);
  const auto response = send(router_, Method::del, "/paniers/vider_panier/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, R"({"error":false,"message":"Panier vidé avec succès"})");
  EXPECT_EQ(asked().operation.kind, OperationKind::empty);
}

TEST_F(CartApi, DeleteCart) {
  service_.write_result = receipt(OperationKind::erase, 0, true);
  auto response = send(router_, Method::del, "/paniers/delete_cart/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body,
            R"({"error":false,"message":"Panier supprimé avec succès","existait":true})");
  EXPECT_EQ(asked().operation.kind, OperationKind::erase);
  service_.write_result = receipt(OperationKind::erase);
  response = send(router_, Method::del, "/paniers/delete_cart/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body,
            R"({"error":false,"message":"Panier supprimé avec succès","existait":false})");
}

TEST_F(CartApi, AWriteThatTheMirrorDoesNotHoldYetSaysSo) {
  service_.write_result = receipt(OperationKind::add, 1000, false, false);
  const auto body = R"({"article_id":"a1"})";
  auto response = patch("/paniers/add_to_cart/u1", body);
  EXPECT_EQ(response.status, 201u);
  EXPECT_EQ(response.body, R"({"error":false,"rs":{"mariadb":"a1","mongo":null,)"
                           R"("version":1764000000001,"quantite":1}})");
  EXPECT_EQ(header(response, "X-Panier-Mirror"), "pending");

  // Without a mirror the store is told as absent, but nothing is pending.
  const auto router = make_cart_router(service_, {.has_mirror = false});
  response = send(router, Method::patch, "/paniers/add_to_cart/u1", {}, body);
  EXPECT_NE(response.body.find(R"("mongo":null)"), std::string::npos);
  EXPECT_EQ(header(response, "X-Panier-Mirror"), "(absent)");
}

TEST_F(CartApi, EveryWriteTakesIfMatchAndAKey) {
  const std::pair<Method, const char*> writes[] = {
      {Method::post, "/paniers/create_cart/u1"}, {Method::patch, "/paniers/add_to_cart/u1"},
      {Method::patch, "/paniers/edit_cart/u1"},  {Method::patch, "/paniers/remove_from_cart/u1"},
      {Method::del, "/paniers/vider_panier/u1"}, {Method::del, "/paniers/delete_cart/u1"},
  };
  for (const auto& [method, path] : writes) {
    SCOPED_TRACE(path);
    service_.write_result = fail(Errc::precondition_failed);
    const auto response =
        send(router_, method, path, {{"If-Match", "W/\"7\", \"8-abc\""}, {"Idempotency-Key", "k"}},
             R"({"article_id":"a1"})");
    EXPECT_EQ(response.status, 412u);
    EXPECT_EQ(asked().operation.if_match->versions, (std::vector<cart::Version>{7, 8}));
    EXPECT_TRUE(asked().idempotency);
    EXPECT_EQ(send(router_, method, path, {{"If-Match", "7"}}, R"({"article_id":"a1"})").status,
              400u);
    EXPECT_EQ(
        send(router_, method, path, {{"Idempotency-Key", ""}}, R"({"article_id":"a1"})").status,
        400u);
  }
  EXPECT_EQ(service_.writes.size(), std::size(writes)); // the refused ones never got there
}

commit::View view(bool degraded = false) {
  commit::View made{
      .user = *cart::UserId::parse("u1"),
      .cart = {.id = *cart::CartId::parse(id),
               .version = version,
               .exists = true,
               .lines = {{*cart::LineKey::parse("a1"), Quantity::of(2)},
                         {*cart::LineKey::parse("b"), Quantity::from_thousandths(1500)}}},
      .id_maria = 7,
      .degraded = degraded};
  return made;
}

constexpr const char* cart_body =
    R"({"error":false,"rs":{"id":"65f0c1d2e3a4b5c6d7e8f901","id_maria":7,"user_id":"u1",)"
    R"("version":1764000000001,"articles":[)"
    R"({"id":"a1","article_id":"a1","quantite_utilisateur":2},)"
    R"({"id":"b","article_id":"b","quantite_utilisateur":1.5}],)"
    R"("articles_indisponibles":[],"total":0,"total_complet":false,"nombre_articles":2}})";

TEST_F(CartApi, GetCart) {
  service_.read_result = view();
  const auto response = send(router_, Method::get, "/paniers/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, cart_body);
  EXPECT_EQ(header(response, "ETag"), "\"1764000000001\"");
  EXPECT_EQ(header(response, "Cache-Control"), "private, no-cache");
  EXPECT_EQ(header(response, "X-Panier-Degraded"), "(absent)");
  EXPECT_EQ(service_.reads.back().text(), "u1");
  EXPECT_TRUE(service_.writes.empty());
}

TEST_F(CartApi, HeadIsAnsweredLikeGet) {
  service_.read_result = view();
  const auto response = send(router_, Method::head, "/paniers/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(header(response, "ETag"), "\"1764000000001\"");
  EXPECT_EQ(response.body, cart_body); // the transport drops it, and tells its length
}

TEST_F(CartApi, AnEmptyCartIsComplete) {
  service_.read_result = view();
  service_.read_result->cart.lines.clear();
  EXPECT_EQ(send(router_, Method::get, "/paniers/u1").body,
            R"({"error":false,"rs":{"id":"65f0c1d2e3a4b5c6d7e8f901","id_maria":7,"user_id":"u1",)"
            R"("version":1764000000001,"articles":[],"articles_indisponibles":[],"total":0,)"
            R"("total_complet":true,"nombre_articles":0}})");
}

TEST_F(CartApi, ADegradedReadSaysSoAndHasATagOfItsOwn) {
  service_.read_result = view(true);
  const auto response = send(router_, Method::get, "/paniers/u1");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, cart_body);
  EXPECT_EQ(header(response, "X-Panier-Degraded"), "mirror");
  const auto etag = header(response, "ETag");
  EXPECT_TRUE(etag.starts_with("\"1764000000001-")) << etag;
  EXPECT_EQ(send(router_, Method::get, "/paniers/u1", {{"If-None-Match", etag}}).status, 304u);
  EXPECT_EQ(
      send(router_, Method::get, "/paniers/u1", {{"If-None-Match", "\"1764000000001\""}}).status,
      200u);
}

TEST_F(CartApi, ADegradedReadSaysSoWhereThereIsNoCartToo) {
  service_.read_result = fail(Errc::cart_not_in_mirror);
  const auto response = send(router_, Method::get, "/paniers/u1");
  EXPECT_EQ(response.status, 404u);
  EXPECT_TRUE(response.body.starts_with(R"({"error":true,"code":"cart_not_found",)"));
  EXPECT_EQ(header(response, "X-Panier-Degraded"), "mirror");
  service_.read_result = fail(Errc::cart_not_found);
  EXPECT_EQ(header(send(router_, Method::get, "/paniers/u1"), "X-Panier-Degraded"), "(absent)");
}

TEST_F(CartApi, WhatTheClientHoldsIsNotSentAgain) {
  service_.read_result = view();
  for (const auto* tag :
       {"\"1764000000001\"", "W/\"1764000000001\"", "*", "\"1\", \"1764000000001\""}) {
    const auto response = send(router_, Method::get, "/paniers/u1", {{"If-None-Match", tag}});
    EXPECT_EQ(response.status, 304u) << tag;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.content_type, "");
    EXPECT_EQ(header(response, "ETag"), "\"1764000000001\"");
    EXPECT_EQ(header(response, "Cache-Control"), "private, no-cache");
  }
  for (const auto* tag : {"\"1764000000000\"", "1764000000001", "\"1764000000001-ab\""})
    EXPECT_EQ(send(router_, Method::get, "/paniers/u1", {{"If-None-Match", tag}}).status, 200u);
  service_.read_result = fail(Errc::cart_not_found);
  EXPECT_EQ(send(router_, Method::get, "/paniers/u1", {{"If-None-Match", "*"}}).status, 404u);
}

TEST_F(CartApi, Health) {
  service_.health_now.ledger.name = "sqlite_ledger";
  const auto response = send(router_, Method::get, "/paniers/health");
  EXPECT_EQ(response.status, 200u);
  EXPECT_TRUE(response.body.starts_with(R"({"error":false,"status":"ok","policy":"strict")"));
  EXPECT_TRUE(service_.reads.empty());
}

TEST_F(CartApi, Contract) {
  const auto response = send(router_, Method::get, "/paniers/openapi.yaml");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "application/yaml");
  EXPECT_TRUE(response.body.starts_with("openapi: 3.1.0\n"));
  EXPECT_EQ(response.body, contract_yaml());
  const auto etag = header(response, "ETag");
  const auto again = send(router_, Method::get, "/paniers/openapi.yaml", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304u);
  EXPECT_EQ(again.body, "");
}

} // namespace
} // namespace panier::api
