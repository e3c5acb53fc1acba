// A cart with its articles: what is shown of each line, and why a line is not shown.
#include <gtest/gtest.h>

#include "api/cart_api.hpp"
#include "catalogue/article.hpp"
#include "fake_service.hpp"

namespace panier::api {
namespace {

using cart::Quantity;
using catalogue::Finding;
using test::header;
using State = Finding::State;

class Articles : public testing::Test {
protected:
  void line(const char* article, std::int64_t thousandths, Finding finding) {
    view_.cart.lines.push_back(
        {*cart::LineKey::parse(article), Quantity::from_thousandths(thousandths)});
    findings_.push_back(std::move(finding));
  }
  // `rs` of the article, as its service has it.
  static Finding shown(const std::string& rs, State state = State::fresh, int age_s = 0) {
    const auto verdict = catalogue::judge(200, R"({"error":false,"rs":)" + rs + "}");
    EXPECT_EQ(verdict.kind, catalogue::Verdict::Kind::found) << rs;
    return {.state = state, .article = verdict.article, .age = std::chrono::seconds(age_s)};
  }
  static Finding missing(State state) { return {.state = state, .article = nullptr, .age = {}}; }
  http::Response get(const test::HeaderList& headers = {}) {
    service_.read_result = view_;
    service_.findings = findings_;
    return test::send(router_, http::Method::get, "/paniers/u1", headers);
  }
  // From "articles" to the end.
  std::string lines_of(const http::Response& response) {
    return response.body.substr(response.body.find("\"articles\""));
  }

  commit::View view_{.user = *cart::UserId::parse("u1"),
                     .cart = {.id = *cart::CartId::parse("65f0c1d2e3a4b5c6d7e8f901"),
                              .version = 5,
                              .exists = true,
                              .lines = {}},
                     .id_maria = 7};
  std::vector<Finding> findings_;
  test::FakeService service_;
  http::Router router_ = make_cart_router(service_, {});
};

TEST_F(Articles, ALineIsTheArticleWithTheCartsOwnFieldsAndItsPrice) {
  line(
      "a1", 1500,
      shown(
          R"({"id":"66f1","name":"Chaise","prix":19.99,"reduction":50,"sous_total":1,"stock":3})"));
  line("b", 2000, shown(R"({"name":"Table","prix":100,"image":null})"));
  EXPECT_EQ(lines_of(get()),
            R"("articles":[{"id":"a1","article_id":"a1","quantite_utilisateur":1.5,)"
            R"("name":"Chaise","prix":19.99,"reduction":50,"stock":3,"sous_total":29.99},)"
            R"({"id":"b","article_id":"b","quantite_utilisateur":2,"name":"Table","prix":100,)"
            R"("image":null,"sous_total":200.00}],"articles_indisponibles":[],)"
            R"("total":229.99,"total_complet":true,"nombre_articles":2}})");
}

TEST_F(Articles, AnOldPriceSaysSo) {
  line("a", 1000, shown(R"({"name":"n","prix":1})", State::stale, 45));
  EXPECT_EQ(lines_of(get()),
            R"("articles":[{"id":"a","article_id":"a","quantite_utilisateur":1,"name":"n",)"
            R"("prix":1,"sous_total":1.00,"prix_obsolete":true,"prix_age_s":45}],)"
            R"("articles_indisponibles":[],"total":1.00,"total_complet":true,)"
            R"("nombre_articles":1}})");
}

TEST_F(Articles, ALineWithoutItsArticleIsNotAmongThem) {
  line("a", 1000, missing(State::not_found));
  line("b", 2000, shown(R"({"name":"n","prix":0.5})"));
  line("c", 3000, missing(State::invalid));
  line("d", 4000, missing(State::unavailable));
  line("e", 5000, missing(State::late));
  EXPECT_EQ(
      lines_of(get()),
      R"("articles":[{"id":"b","article_id":"b","quantite_utilisateur":2,"name":"n","prix":0.5,)"
      R"("sous_total":1.00}],"articles_indisponibles":[)"
      R"({"id":"a","article_id":"a","quantite_utilisateur":1,"code":"article_not_found",)"
      R"("raison":"Article introuvable."},)"
      R"({"id":"c","article_id":"c","quantite_utilisateur":3,"code":"article_invalid",)"
      R"("raison":"Les données de l'article sont inutilisables."},)"
      R"({"id":"d","article_id":"d","quantite_utilisateur":4,"code":"articles_unavailable",)"
      R"("raison":"Le service des articles ne répond pas."},)"
      R"({"id":"e","article_id":"e","quantite_utilisateur":5,"code":"articles_late",)"
      R"("raison":"Le service des articles n'a pas répondu à temps."}],)"
      R"("total":1.00,"total_complet":false,"nombre_articles":5}})");
}

TEST_F(Articles, TheTotalIsTheSumOfWhatIsShown) {
  line("a", 1000, shown(R"({"name":"n","prix":0.005})")); // 0.01 each, once rounded
  line("b", 1000, shown(R"({"name":"n","prix":0.005})"));
  line("c", 1'000'000'000, shown(R"({"name":"n","prix":10000000})"));
  EXPECT_NE(get().body.find(R"("total":10000000000000.02,)"), std::string::npos);
}

TEST_F(Articles, AnEmptyCartIsComplete) {
  EXPECT_EQ(lines_of(get()), R"("articles":[],"articles_indisponibles":[],"total":0.00,)"
                             R"("total_complet":true,"nombre_articles":0}})");
}

TEST_F(Articles, TheTagCoversThem) {
  line("a", 1000, shown(R"({"name":"n","prix":1})"));
  const auto first = header(get(), "ETag");
  EXPECT_TRUE(first.starts_with("\"5-")) << first;
  EXPECT_EQ(get({{"If-None-Match", first}}).status, 304u);
  findings_[0] = shown(R"({"name":"n","prix":2})");
  EXPECT_EQ(get({{"If-None-Match", first}}).status, 200u);
  EXPECT_NE(header(get(), "ETag"), first);
}

} // namespace
} // namespace panier::api
