// Fields of a body: the media type, article_id and quantite by their exact rules.
#include "api/body.hpp"

#include <gtest/gtest.h>

namespace panier::api {
namespace {

Result<JsonObject> read(std::initializer_list<std::pair<const char*, const char*>> headers) {
  http::Request request;
  request.body = "{}";
  for (const auto& [name, value] : headers)
    request.headers.add(name, value);
  return read_body(request);
}

TEST(MediaType, JsonInUtf8OrNothingSaid) {
  EXPECT_TRUE(read({}));
  for (const auto* type :
       {"application/json", "Application/JSON", "application/json;charset=utf-8",
        "application/json; charset=UTF-8", "application/json ; charset=\"utf-8\"",
        "application/json;", "application/json; v=1; charset=utf-8"})
    EXPECT_TRUE(read({{"Content-Type", type}})) << type;
  for (const auto* type : {"", "text/plain", "application/x-www-form-urlencoded",
                           "application/jsonp", "application/json; charset=latin1",
                           "application/json; charset", "application/merge-patch+json", "json",
                           "application/json, text/plain", "multipart/form-data; boundary=x"}) {
    const auto body = read({{"Content-Type", type}});
    ASSERT_FALSE(body) << type;
    EXPECT_EQ(body.error().code, Errc::unsupported_media_type) << type;
  }
  EXPECT_FALSE(read({{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}));
  EXPECT_TRUE(read({{"Content-Type", "application/json"}, {"Content-Encoding", "identity"}}));
}

JsonObject object(std::string_view text) {
  return parse_json_object(text).value();
}

TEST(ArticleId, AStringOrAnIntegerKeptAsItsText) {
  const std::pair<const char*, std::string> table[] = {
      {R"({"article_id":"a1"})", "a1"},
      {R"({"article_id":"65f0c1d2e3a4b5c6d7e8f901"})", "65f0c1d2e3a4b5c6d7e8f901"},
      {R"({"article_id":42})", "42"},
      {R"({"article_id":-7})", "-7"},
      {R"({"article_id":18446744073709551616})", "18446744073709551616"},
      {R"({"article_id":"4.2"})", "4.2"},
      {R"({"article_id":"a","autre":null})", "a"},
  };
  for (const auto& [text, id] : table)
    EXPECT_EQ(read_article_id(object(text))->article_id(), id) << text;
  for (const auto* text :
       {"{}", R"({"article_id":null})", R"({"article_id":true})", R"({"article_id":4.2})",
        R"({"article_id":42.0})", R"({"article_id":1e3})", R"({"article_id":""})",
        R"({"article_id":"a b"})", R"({"article_id":"a\u0000"})", R"({"article_id":[1]})",
        R"({"article_id":{}})", R"({"Article_id":"a"})",
        R"({"article_id":11111111111111111111111111111111111111111111111111111111111111111})"}) {
    const auto key = read_article_id(object(text));
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, Errc::invalid_field);
    EXPECT_EQ(key.error().field, "article_id");
  }
}

TEST(Quantite, ANumberOrItsTextAndOneWhenAbsent) {
  const std::pair<const char*, std::int64_t> table[] = {
      {R"({})", 1000},
      {R"({"quantite":2})", 2000},
      {R"({"quantite":1.5})", 1500},
      {R"({"quantite":"1.5"})", 1500},
      {R"({"quantite":-2})", -2000},
      {R"({"quantite":"-2"})", -2000},
      {R"({"quantite":0})", 0},
      {R"({"quantite":1e3})", 1'000'000},
      {R"({"quantite":1500e-3})", 1500},
      {R"({"quantite":0.001})", 1},
      {R"({"quantite":1000000})", 1'000'000'000},
      {R"({"quantite":"2.000000"})", 2000},
  };
  for (const auto& [text, thousandths] : table) {
    const auto quantity = read_quantity(object(text));
    ASSERT_TRUE(quantity) << text;
    EXPECT_EQ(quantity->thousandths(), thousandths) << text;
  }
  for (const auto* text : {R"({"quantite":null})",        R"({"quantite":true})",
                           R"({"quantite":[1]})",         R"({"quantite":{}})",
                           R"({"quantite":""})",          R"({"quantite":"1e3"})",
                           R"({"quantite":" 5"})",        R"({"quantite":"5 "})",
                           R"({"quantite":"+5"})",        R"({"quantite":"0x5"})",
                           R"({"quantite":"cinq"})",      R"({"quantite":1e400})",
                           R"({"quantite":-1e400})",      R"({"quantite":0.30000000000000004})",
                           R"({"quantite":0.0001})",      R"({"quantite":"1.0005"})",
                           R"({"quantite":1000000.001})", R"({"quantite":1000001})",
                           R"({"quantite":"NaN"})",       R"({"quantite":"\u0661"})"}) {
    const auto quantity = read_quantity(object(text));
    ASSERT_FALSE(quantity) << text;
    EXPECT_EQ(quantity.error().code, Errc::invalid_field);
    EXPECT_EQ(quantity.error().field, "quantite");
  }
}

} // namespace
} // namespace panier::api
