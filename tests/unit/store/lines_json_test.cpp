// The SQL ledgers' column texts: the platform's shape to the letter, nothing rounded, nothing
// guessed.
#include <gtest/gtest.h>

#include "store/lines/lines_json.hpp"

namespace panier::store {
namespace {

using cart::Line;
using cart::LineKey;
using cart::Quantity;

Line line(std::string_view article, std::int64_t thousandths) {
  return {LineKey::parse(article).value(), Quantity::from_thousandths(thousandths)};
}

TEST(LinesJson, IsWhatThePlatformsDumpsWrites) {
  EXPECT_EQ(lines_to_json({}), "[]");
  EXPECT_EQ(lines_to_json(std::vector{line("a1", 2000)}),
            R"([{"article_id": "a1", "quantite": 2.0}])");
  EXPECT_EQ(
      lines_to_json(std::vector{line("x@y.z", 1500), line("b", 1)}),
      R"([{"article_id": "x@y.z", "quantite": 1.5}, {"article_id": "b", "quantite": 0.001}])");
}

TEST(LinesJson, EveryThousandthComesBack) {
  std::vector<Line> lines;
  for (std::int64_t n = 1, i = 0; n <= Quantity::thousandths_max; n += 999'983, ++i)
    lines.push_back(line("a" + std::to_string(i), n));
  lines.push_back(line("most", Quantity::thousandths_max));
  EXPECT_EQ(lines_from_json(lines_to_json(lines)).value(), lines);
}

TEST(LinesJson, OrderOfKeysSpacesAndNumberFormsDoNotMatter) {
  const std::vector expected{line("a", 2000), line("b", 500)};
  for (const auto* text :
       {R"([{"article_id": "a", "quantite": 2.0}, {"article_id": "b", "quantite": 0.5}])",
        R"([{"quantite":2,"article_id":"a"},{"quantite":0.500,"article_id":"b"}])",
        " [ {\"article_id\" :\t\"a\",\n\"quantite\": 2e0 } ,\r\n"
        R"({"article_id": "b", "quantite": 5E-1}] )"})
    EXPECT_EQ(lines_from_json(text).value(), expected) << text;
  EXPECT_TRUE(lines_from_json(" [ ] ").value().empty());
}

TEST(LinesJson, WhatIsNotALineIsRefusedAndTheTextQuoted) {
  for (const auto* text :
       {"",
        "null",
        "[",
        "[]x",
        "{}",
        "[{}]",
        "[null]",
        "[{\"article_id\": \"a\"}]",
        "[{\"quantite\": 1}]",
        "[{\"article_id\": \"a\", \"quantite\": 1},]",
        "[{\"article_id\": \"a\", \"quantite\": 1} {\"article_id\": \"b\", \"quantite\": 1}]",
        "[{\"article_id\": \"a\", \"quantite\": 1}",
        "[{\"article_id\": \"a\", \"quantite\": \"1\"}]",
        "[{\"article_id\": 7, \"quantite\": 1}]",
        "[{\"article_id\": \"a b\", \"quantite\": 1}]",
        "[{\"article_id\": \"\", \"quantite\": 1}]",
        "[{\"article_id\": \"\\u0061\", \"quantite\": 1}]",
        "[{\"article_id\": \"a\", \"quantite\": 0}]",
        "[{\"article_id\": \"a\", \"quantite\": -1}]",
        "[{\"article_id\": \"a\", \"quantite\": 0.0001}]",
        "[{\"article_id\": \"a\", \"quantite\": 0.30000000000000004}]",
        "[{\"article_id\": \"a\", \"quantite\": 1000000.001}]",
        "[{\"article_id\": \"a\", \"quantite\": NaN}]",
        "[{\"article_id\": \"a\", \"quantite\": 1, \"note\": 1}]",
        "[{\"article_id\": \"a\", \"article_id\": \"a\", \"quantite\": 1}]",
        "[{\"article_id\": \"a\", \"quantite\": 1}, {\"article_id\": \"a\", \"quantite\": 2}]"}) {
    const auto read = lines_from_json(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::store_corrupt);
    EXPECT_NE(read.error().detail.find(std::string_view(text).substr(0, 80)), std::string::npos);
  }
}

TEST(LinesJson, AColumnsTextKeepsItsLengthWhenAQuantityChanges) {
  const auto text_of = [](std::size_t count, std::int64_t thousandths) {
    std::vector<cart::Line> lines;
    for (std::size_t i = 0; i < count; ++i)
      lines.push_back(line("a" + std::to_string(100 + i), thousandths));
    const auto text = articles_text(lines);
    EXPECT_EQ(text.size() % articles_text_step, 0U);
    EXPECT_LT(text.size() - lines_to_json(lines).size(), articles_text_step);
    EXPECT_TRUE(text.starts_with(lines_to_json(lines)));
    EXPECT_EQ(lines_from_json(text).value(), lines);
    return text;
  };
  EXPECT_EQ(text_of(0, 1).size(), articles_text_step);
  EXPECT_EQ(text_of(1, 1000).size(), text_of(1, 999'999'999).size());
  EXPECT_EQ(text_of(5, 1000).size(), text_of(5, 1001).size());
  text_of(200, 1000);
}

TEST(LinesJson, UnreadableTextIsWrittenBackAsItWas) {
  commit::CartRow row{.user = commit::UserId::parse("u").value()};
  row.cart.lines = {line("a", 1000)};
  EXPECT_EQ(articles_text(row), articles_text(row.cart.lines));
  row.cart.lines.clear();
  row.unreadable = "[{\"article_id\": \"a\", \"quantite\": \"deux\"}]";
  EXPECT_EQ(articles_text(row), *row.unreadable);
}

TEST(ListedJson, IsCompactAndComesBack) {
  const std::vector<commit::Listed> listed{
      {commit::UserId::parse("u@x").value(), 1},
      {commit::UserId::parse("-").value(), 9'007'199'254'740'993}};
  const auto text = listed_to_json(listed);
  EXPECT_EQ(text, R"([["u@x",1],["-",9007199254740993]])");
  EXPECT_EQ(listed_from_json(text).value(), listed);
  EXPECT_EQ(listed_to_json({}), "[]");
  EXPECT_TRUE(listed_from_json("[]").value().empty());
}

TEST(ListedJson, WhatIsNotAListIsRefused) {
  for (const auto* text : {"", "[[]]", R"([["u"]])", R"([["u",-1]])", R"([["u",1.5]])",
                           R"([["u",1e3]])", R"([["u","1"]])", R"([["u v",1]])", R"([["u",01]])",
                           R"([["u",99999999999999999999]])", R"([["u",1],])", R"([["u",1]]x)"})
    EXPECT_FALSE(listed_from_json(text)) << text;
}

} // namespace
} // namespace panier::store
