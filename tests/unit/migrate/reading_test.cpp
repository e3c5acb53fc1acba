// What a list of the predecessor's holds: every line of it goes into the cart, aside, or both.
#include "migrate/reading.hpp"

#include <gmock/gmock.h>

namespace panier::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> cart_of(const Reading& reading) {
  std::vector<std::string> lines;
  for (const auto& line : reading.lines.in_order())
    lines.push_back(line.key.article_id() + " " + line.quantity.to_text());
  return lines;
}

Reading articles(std::optional<std::string_view> text) {
  Reading reading;
  read_articles(text, reading);
  return reading;
}

Reading document(std::string_view json) {
  Reading reading;
  read_document(json, reading);
  return reading;
}

Aside aside(std::string reason, std::string content, bool taken_over = false, bool whole = false) {
  return {Origin::mariadb, std::move(reason), std::move(content), taken_over, whole};
}

TEST(ReadArticles, TakesWhatTheOldServiceWrote) {
  const auto read =
      articles(R"([{"article_id": "a1", "quantite": 2.0}, {"article_id": "b", "quantite": 0.5}])");
  EXPECT_THAT(cart_of(read), ElementsAre("a1 2", "b 0.5"));
  EXPECT_THAT(read.aside, IsEmpty());
  EXPECT_THAT(cart_of(articles("[]")), IsEmpty());
}

TEST(ReadArticles, NothingAtAllIsAnEmptyCart) {
  EXPECT_THAT(articles(std::nullopt).aside, ElementsAre(aside("articles NULL", "", true, true)));
  EXPECT_THAT(articles(" ").aside, ElementsAre(aside("articles empty", " ", true, true)));
}

TEST(ReadArticles, KeepsATextThatIsNoListAsideWhole) {
  for (const auto* text : {"[{\"article_id\": \"a\"", "NaN", "[{'a': 1}]", "[{\"quantite\": NaN}]"})
    EXPECT_THAT(articles(text).aside,
                ElementsAre(aside("articles is not JSON", text, false, true)));
  EXPECT_THAT(articles(R"({"a": 1})").aside,
              ElementsAre(aside("articles is not a list", R"({"a": 1})", false, true)));
}

struct BadLine {
  std::string line;
  std::string reason;
};
class ReadBadLine : public ::testing::TestWithParam<BadLine> {};

TEST_P(ReadBadLine, IsKeptAsideAndItsNeighboursAreNot) {
  const auto& [line, reason] = GetParam();
  const auto read = articles(R"([{"article_id": "x", "quantite": 1.0}, )" + line +
                             R"(, {"article_id": "y", "quantite": 3}])");
  EXPECT_THAT(cart_of(read), ElementsAre("x 1", "y 3"));
  EXPECT_THAT(read.aside, ElementsAre(aside(reason, line)));
}

INSTANTIATE_TEST_SUITE_P(
    Every, ReadBadLine,
    ::testing::Values(
        BadLine{R"({"article_id": "a", "quantite": -2.0})", "negative quantity"},
        BadLine{R"({"article_id": "a", "quantite": "-1"})", "negative quantity"},
        BadLine{R"({"article_id": "a", "quantite": 0.0})", "quantity zero"},
        BadLine{R"({"article_id": "a", "quantite": 0.0001})", "quantity below 0.001"},
        BadLine{R"({"article_id": "a", "quantite": 1000001.0})", "quantity beyond 1000000"},
        BadLine{R"({"article_id": "a", "quantite": "beaucoup"})", "quantity is not a number"},
        BadLine{R"({"article_id": "a", "quantite": true})", "quantity is not a number"},
        BadLine{R"({"article_id": "a", "quantite": [2]})", "quantity is not a number"},
        BadLine{R"({"article_id": "a", "quantite": null})", "no quantity"},
        BadLine{R"({"article_id": "a"})", "no quantity"},
        BadLine{R"({"quantite": 2.0})", "no article_id"},
        BadLine{R"({"article_id": "", "quantite": 2.0})", "no article_id"},
        BadLine{R"({"article_id": null, "quantite": 2.0})", "no article_id"},
        BadLine{R"({"article_id": "a b", "quantite": 2.0})", "article_id outside the alphabet"},
        BadLine{R"({"article_id": 1.5, "quantite": 2.0})", "article_id is not a text"},
        BadLine{R"("a")", "the line is not an object"},
        BadLine{"null", "the line is not an object"}));

TEST(ReadArticles, KeepsALineAsItIsWritten) {
  for (const auto* line :
       {R"({"article_id": "a", "quantite": 1E400})",
        R"({"article_id": "a", "quantite": 12345678901234567890123})",
        R"({"article_id": 123456789012345678901, "quantite": 1})",
        R"({ "quantite":-0.10000000000000000001,"article_id":"\u0061,]\\\"}", "quantite":-1 })",
        R"([1, {"a": [2, 3]}])", R"({})", R"("a,b")"}) {
    const auto read = articles(std::string("[ ") + line + "\n, " + line + "]");
    ASSERT_EQ(read.aside.size(), 2U) << line;
    EXPECT_EQ(read.aside[0].content, line);
    EXPECT_EQ(read.aside[1].content, line);
  }
}

TEST(ReadArticles, TakesOverWhatIsOnlyWrittenOddlyAndSaysSo) {
  const auto read = articles(
      R"([{"article_id": "a", "quantite": "2.50"}, {"article_id": 7, "quantite": 1.0}, )"
      R"({"article_id": "c", "quantite": 0.3333}, {"article_id": "d", "quantite": 1.0, "n": "x"}])");
  EXPECT_THAT(cart_of(read), ElementsAre("a 2.5", "7 1", "c 0.333", "d 1"));
  EXPECT_THAT(
      read.aside,
      ElementsAre(
          aside("quantity written as a string", R"({"article_id": "a", "quantite": "2.50"})", true),
          aside("article_id written as a number", R"({"article_id": 7, "quantite": 1.0})", true),
          aside("quantity rounded to 3 decimals", R"({"article_id": "c", "quantite": 0.3333})",
                true),
          aside("fields that panier does not keep",
                R"({"article_id": "d", "quantite": 1.0, "n": "x"})", true)));
}

TEST(ReadArticles, ASumOfFloatsIsTheThousandthThatItMeans) {
  const auto read = articles(R"([{"article_id": "a", "quantite": 0.30000000000000004}])");
  EXPECT_THAT(cart_of(read), ElementsAre("a 0.3"));
  EXPECT_THAT(read.aside, IsEmpty());
}

TEST(ReadArticles, AnArticleThatStandsTwiceIsAddedUp) {
  const auto read =
      articles(R"([{"article_id": "a", "quantite": 1.0}, {"article_id": "a", "quantite": 2.0}])");
  EXPECT_THAT(cart_of(read), ElementsAre("a 3"));
  EXPECT_THAT(read.repeated, ElementsAre("a"));
}

TEST(ReadArticles, WhatASumCannotHoldIsKeptAside) {
  const auto read = articles(
      R"([{"article_id": "a", "quantite": 999999.0}, {"article_id": "a", "quantite": 3.0}])");
  EXPECT_THAT(cart_of(read), ElementsAre("a 1000000"));
  EXPECT_THAT(read.aside, ElementsAre(aside("the sum is beyond 1000000",
                                            R"({"article_id": "a", "quantite": 2.0})")));
}

TEST(ReadDocument, TakesTheNumbersOfExtendedJson) {
  const auto read = document(
      R"({"_id": {"$oid": "66f1a2b3c4d5e6f708192a3b"}, "user_id": "u", "id_maria": {"$numberInt": "1"},)"
      R"("articles": [{"article_id": "a", "quantite": {"$numberDouble": "2.5"}},)"
      R"({"article_id": "b", "quantite": {"$numberInt": "3"}},)"
      R"({"article_id": "c", "quantite": {"$numberDecimal": "1.25"}},)"
      R"({"article_id": "d", "quantite": {"$numberDouble": "0.3000000000000000444"}},)"
      R"({"article_id": "e", "quantite": {"$numberDouble": "NaN"}}]})");
  EXPECT_THAT(cart_of(read), ElementsAre("a 2.5", "b 3", "c 1.25", "d 0.3"));
  EXPECT_THAT(read.aside,
              ElementsAre(Aside{Origin::mongodb, "quantity is not a number",
                                R"({"article_id": "e", "quantite": NaN})", false, false}));
}

TEST(ReadDocument, KeepsUnknownFieldsAndMissingListsAside) {
  const auto read = document(R"({"user_id": "u", "coupon": "x"})");
  EXPECT_THAT(read.aside, ElementsAre(Aside{Origin::mongodb, "a field that panier does not keep",
                                            R"({"coupon": "x"})", true, true},
                                      Aside{Origin::mongodb, "articles NULL", "", true, true}));
  EXPECT_THAT(
      document(R"({"articles": "[]"})").aside,
      ElementsAre(Aside{Origin::mongodb, "articles is not a list", R"("[]")", false, true}));
}

} // namespace
} // namespace panier::migrate
