// What the articles service may answer, and what a line is made of.
#include "catalogue/article.hpp"

#include <gtest/gtest.h>

namespace panier::catalogue {
namespace {

using Kind = Verdict::Kind;

std::string answer(const std::string& rs) {
  return R"({"error": false, "rs": )" + rs + "}";
}

TEST(Article, passes_on_what_it_carries_number_by_number) {
  const auto verdict =
      judge(200, answer(R"({"id": "66f1", "id_maria": 7, "name": "Chaise \"d'été\"",
        "prix": 19.990, "image": null, "reduction": 1e1, "description": "a\nb", "stock": 12,
        "id_magasin": "m", "tags": ["a", {"b": [1.0, true], "c": {}}, []], "poids": 1e400})"));
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->members,
            R"("id_maria":7,"name":"Chaise \"d'été\"","prix":19.990,"image":null,"reduction":1e1,)"
            R"("description":"a\nb","stock":12,"id_magasin":"m",)"
            R"("tags":["a",{"b":[1.0,true],"c":{}},[]],"poids":1e400)");
  EXPECT_EQ(verdict.article->price, *parse_decimal("19.99"));
  EXPECT_EQ(verdict.article->stock->to_text(), "12");
}

TEST(Article, the_carts_own_fields_are_not_taken_from_it) {
  const auto verdict =
      judge(200, answer(R"({"article_id":"x","quantite_utilisateur":9,"name":"n","sous_total":0,
                      "prix_obsolete":true,"prix_age_s":{"a":1},"prix":1,"id":5})"));
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->members, R"("name":"n","prix":1)");
}

TEST(Article, text_is_passed_on_as_it_is) {
  const std::string text = "\"a\u2028\":\"L\u0092\",\"a\u2029\":\"\u2028\"";
  const auto verdict = judge(200, answer(R"({"name":"n","prix":1,)" + text + "}"));
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->members, R"("name":"n","prix":1,)" + text);
}

TEST(Article, a_key_that_is_there_twice_counts_once) {
  const auto verdict = judge(200, answer(R"({"name":1,"prix":"x","name":"n","prix":2})"));
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->members, R"("name":"n","prix":2)");
}

TEST(Article, more_members_than_any_article_has_are_none) {
  const auto with = [](int more) {
    std::string members = R"("name":"n","prix":1)";
    for (int i = 0; i < more; ++i)
      members += R"(,"m)" + std::to_string(i) + R"(":0)";
    return judge(200, answer('{' + members + '}'));
  };
  EXPECT_EQ(with(998).kind, Kind::found);
  EXPECT_EQ(with(999).kind, Kind::invalid);
  EXPECT_EQ(with(100'000).kind, Kind::invalid);
}

TEST(Article, members_around_rs_are_not_its_own) {
  const auto verdict =
      judge(200, R"({"meta":{"name":"no","x":[{"y":1}]},"rs":{"name":"n","prix":1},"more":[2]})");
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->members, R"("name":"n","prix":1)");
}

TEST(Article, prices_and_stocks_as_text_are_read_too) {
  const auto verdict = judge(200, answer(R"({"name":"n","prix":"12.50","stock":"3"})"));
  ASSERT_EQ(verdict.kind, Kind::found);
  EXPECT_EQ(verdict.article->price, *parse_decimal("12.5"));
  EXPECT_EQ(verdict.article->stock->to_text(), "3");
  EXPECT_EQ(verdict.article->members, R"("name":"n","prix":"12.50","stock":"3")");
}

TEST(Article, a_stock_that_is_none_leaves_the_article_whole) {
  for (const auto* stock : {"null", R"("beaucoup")", "[]", "true", R"({"n":1})"}) {
    const auto verdict =
        judge(200, answer(std::string(R"({"name":"n","prix":1,"stock":)") + stock + "}"));
    ASSERT_EQ(verdict.kind, Kind::found) << stock;
    EXPECT_FALSE(verdict.article->stock) << stock;
  }
}

TEST(Article, bad_ones) {
  for (const auto* rs :
       {R"({"name":"n","prix":"12,5"})", R"({"name":"n","prix":-1})", R"({"name":"n"})",
        R"({"name":"n","prix":null})", R"({"name":"n","prix":[1]})", R"({"name":"n","prix":true})",
        R"({"prix":1})", R"({"name":null,"prix":1})", R"({"name":5,"prix":1})", "null", "[]",
        R"([{"name":"n","prix":1}])", "1", R"("n")", "{}", R"({"name":"n","prix":1e300})"})
    EXPECT_EQ(judge(200, answer(rs)).kind, Kind::invalid) << rs;
  EXPECT_EQ(judge(200, R"({"error":"no","rs":{"name":"n","prix":1}})").kind, Kind::invalid);
}

TEST(Article, unknown_ones) {
  EXPECT_EQ(judge(404, "").kind, Kind::gone);
  EXPECT_EQ(judge(410, "<html>").kind, Kind::gone);
  EXPECT_EQ(judge(200, R"({"error":true,"message":"Article introuvable"})").kind, Kind::denied);
  EXPECT_EQ(judge(200, R"({"error":true,"rs":{"name":"n","prix":1}})").kind, Kind::denied);
}

TEST(Article, what_is_not_the_articles_service) {
  for (const auto* body :
       {"", "<html>oups</html>", "{", R"({"error":false,"rs":{)", "[1]", "3", R"({"error":false})",
        R"({"a":1} {"b":2})", "{\"rs\":{\"name\":\"\xff\"}}", R"({"rs":{"name":"n","prix":1},})"})
    EXPECT_EQ(judge(200, body).kind, Kind::malformed) << body;
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(judge(200, answer(R"({"name":"n","prix":1,"x":)" + deep + "}")).kind, Kind::malformed);
  for (const long status : {204L, 301L, 302L, 308L, 400L, 401L, 403L})
    EXPECT_EQ(judge(status, answer(R"({"name":"n","prix":1})")).kind, Kind::malformed) << status;
  for (const long status : {429L, 500L, 502L, 503L, 504L})
    EXPECT_EQ(judge(status, answer(R"({"name":"n","prix":1})")).kind, Kind::failing) << status;
}

} // namespace
} // namespace panier::catalogue
