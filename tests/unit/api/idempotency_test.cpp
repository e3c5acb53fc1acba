// Idempotency-Key: which texts are keys, and what "the same request" means.
#include "api/idempotency.hpp"

#include <gtest/gtest.h>

namespace panier::api {
namespace {

http::Request request_with(const std::string& key) {
  http::Request request;
  request.method = http::Method::patch;
  request.path = "/paniers/add_to_cart/u1";
  request.body = R"({"article_id":"a"})";
  request.headers.add("idempotency-key", key);
  return request;
}

TEST(Idempotency, AbsentIsNone) {
  ASSERT_TRUE(parse_idempotency({}));
  EXPECT_FALSE(*parse_idempotency({}));
}

TEST(Idempotency, OneToTwoHundredFiftyFivePrintableCharacters) {
  for (const auto& key : {std::string("a"), std::string("~!"), std::string("a b"),
                          std::string(255, 'k'), std::string("\"8e03978e\"")})
    EXPECT_TRUE(parse_idempotency(request_with(key))) << key;
  for (const auto& key : {std::string(), std::string(256, 'k'), std::string("\t"),
                          std::string("\xc3\xa9"), std::string("a\x7f"), std::string("a\0b", 3)}) {
    const auto parsed = parse_idempotency(request_with(key));
    ASSERT_FALSE(parsed) << key;
    EXPECT_EQ(parsed.error().code, Errc::invalid_idempotency_key);
  }
  auto twice = request_with("a");
  twice.headers.add("Idempotency-Key", "a");
  EXPECT_FALSE(parse_idempotency(twice));
}

TEST(Idempotency, TheFingerprintCoversMethodPathAndBody) {
  const auto of = [](const http::Request& request) { return **parse_idempotency(request); };
  const auto base = of(request_with("k"));
  EXPECT_EQ(of(request_with("k")).fingerprint, base.fingerprint);
  EXPECT_EQ(of(request_with("other")).fingerprint, base.fingerprint);
  EXPECT_NE(of(request_with("other")).key, base.key);
  auto other = request_with("k");
  other.method = http::Method::post;
  EXPECT_NE(of(other).fingerprint, base.fingerprint);
  other = request_with("k");
  other.path += "x";
  EXPECT_NE(of(other).fingerprint, base.fingerprint);
  other = request_with("k");
  other.body += " ";
  EXPECT_NE(of(other).fingerprint, base.fingerprint);
  other = request_with("k");
  other.headers.add("If-Match", "*");
  EXPECT_EQ(of(other).fingerprint, base.fingerprint);
  EXPECT_EQ(of(other).key, base.key);
}

} // namespace
} // namespace panier::api
