// How the rows and documents of one user become one cart.
#include "migrate/merge.hpp"

#include <gmock/gmock.h>

namespace panier::migrate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Row row(std::uint32_t id_maria, std::string user, std::string articles) {
  Row made;
  made.id_maria = id_maria;
  made.user_id = std::move(user);
  made.articles = std::move(articles);
  return made;
}

Document document(std::string user, std::string articles) {
  Document made;
  made.user_id = std::move(user);
  made.json = R"({"articles": )" + articles + "}";
  return made;
}

std::string list(std::string_view article, std::string_view quantity) {
  return "[" + line_text(*cart::LineKey::parse(article), *cart::Quantity::from_text(quantity)) +
         "]";
}

std::vector<std::string> cart_of(const Merged& merged) {
  std::vector<std::string> lines;
  for (const auto& line : merged.lines)
    lines.push_back(line.key.article_id() + " " + line.quantity.to_text());
  return lines;
}

Merged merged(Group group, Prefer prefer = Prefer::neither) {
  const auto users = split(std::move(group));
  EXPECT_EQ(users.size(), 1U);
  return merge(users.front(), prefer);
}

TEST(GroupKey, IsWhatMariaDbTakesForOneUser) {
  EXPECT_EQ(group_key(Origin::mariadb, "Bob  "), "bob");
  EXPECT_EQ(group_key(Origin::mongodb, "Bob"), "bob");
  EXPECT_EQ(group_key(Origin::mariadb, " bob"), std::nullopt);
  EXPECT_EQ(group_key(Origin::mariadb, ""), std::nullopt);
  EXPECT_EQ(group_key(Origin::mariadb, "chlo\xc3\xa9"), std::nullopt);
  EXPECT_EQ(group_key(Origin::mongodb, "bob "), std::nullopt);
}

TEST(Merge, StoresThatAgreeAreOneCartWithoutAWord) {
  const auto cart = merged({{row(1, "u", list("a", "2"))}, {document("u", list("a", "2"))}});
  EXPECT_THAT(cart_of(cart), ElementsAre("a 2"));
  EXPECT_THAT(cart.findings, IsEmpty());
}

TEST(Merge, RowsOfOneUserAreAddedUp) {
  const auto cart = merged({{row(1, "u", list("a", "2")), row(5, "u ", list("a", "1.5"))},
                            {document("u", list("a", "3.5"))}});
  EXPECT_THAT(cart_of(cart), ElementsAre("a 3.5"));
  EXPECT_THAT(cart.findings, ElementsAre("2 rows in MariaDB added up (id_maria 1, 5)"));
}

TEST(Merge, SpellingsThatMariaDbDoesNotTellApartAreOneUserSpelledAsInMongoDb) {
  Group group{{row(1, "BOB", list("a", "2")), row(2, "Bob", list("b", "1"))},
              {document("bob", "[]")}};
  const auto users = split(std::move(group));
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(users.front().user.text(), "bob");
  EXPECT_THAT(merge(users.front(), Prefer::mariadb).findings,
              ElementsAre("also spelled BOB, Bob in MariaDB",
                          "2 rows in MariaDB added up (id_maria 1, 2)",
                          "the stores disagree: a: MariaDB 2, MongoDB none, kept 2; "
                          "b: MariaDB 1, MongoDB none, kept 1"));
}

TEST(Merge, WithoutADocumentTheOldestRowSaysTheSpelling) {
  const auto users = split({{row(1, "Bob", "[]"), row(2, "bob", "[]")}, {}});
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(users.front().user.text(), "Bob");
}

TEST(Merge, TwoSpellingsInMongoDbAreTwoUsersAndEachRowGoesToItsOwn) {
  const auto users =
      split({{row(1, "bob", list("a", "1")), row(2, "Bob", list("b", "1")), row(3, "BOB", "[]")},
             {document("Bob", "[]"), document("bob", "[]")}});
  ASSERT_EQ(users.size(), 3U);
  EXPECT_EQ(users[0].user.text(), "Bob");
  EXPECT_THAT(cart_of(merge(users[0], Prefer::neither)), ElementsAre("b 1"));
  EXPECT_EQ(users[1].user.text(), "bob");
  EXPECT_THAT(cart_of(merge(users[1], Prefer::neither)), ElementsAre("a 1"));
  EXPECT_EQ(users[2].user.text(), "BOB");
}

Group that_disagrees() {
  return {
      {row(1, "u",
           R"([{"article_id": "a", "quantite": 2.0}, {"article_id": "b", "quantite": 1.0}])")},
      {document(
          "u", R"([{"article_id": "c", "quantite": 4.0}, {"article_id": "a", "quantite": 3.0}])")}};
}

TEST(Merge, StoresThatDisagreeGiveEveryLineWithTheLargerQuantity) {
  const auto cart = merged(that_disagrees());
  EXPECT_THAT(cart_of(cart), ElementsAre("a 3", "b 1", "c 4"));
  EXPECT_THAT(
      cart.findings,
      ElementsAre("the stores disagree: a: MariaDB 2, MongoDB 3, kept 3; "
                  "b: MariaDB 1, MongoDB none, kept 1; c: MariaDB none, MongoDB 4, kept 4"));
}

TEST(Merge, APreferredStoreIsBelieved) {
  EXPECT_THAT(cart_of(merged(that_disagrees(), Prefer::mariadb)), ElementsAre("a 2", "b 1"));
  EXPECT_THAT(cart_of(merged(that_disagrees(), Prefer::mongodb)), ElementsAre("a 3", "c 4"));
}

TEST(Merge, AStoreWhoseArticlesCannotBeReadIsNotPreferred) {
  for (const auto* broken : {R"([{"article_id": "a", "quan)", R"({"a": 1})"}) {
    const auto cart = merged(
        {{row(1, "u", list("a", "2")), row(2, "u", broken)}, {document("u", list("b", "1"))}},
        Prefer::mariadb);
    EXPECT_THAT(cart_of(cart), ElementsAre("a 2", "b 1")) << broken;
    EXPECT_THAT(cart.findings,
                Contains("MariaDB is not preferred here: its articles cannot be read"));
  }
  for (const auto* broken : {R"("[]")", R"({"a": 1})"}) {
    const auto cart =
        merged({{row(1, "u", list("a", "2"))}, {document("u", broken)}}, Prefer::mongodb);
    EXPECT_THAT(cart_of(cart), ElementsAre("a 2")) << broken;
    EXPECT_THAT(cart.findings,
                Contains("MongoDB is not preferred here: its articles cannot be read"));
  }
}

TEST(Merge, AStoreWhoseArticlesAreNullOrEmptyIsPreferredAllTheSame) {
  for (const auto* empty : {"", "[]"})
    EXPECT_THAT(
        cart_of(merged({{row(1, "u", empty)}, {document("u", list("b", "1"))}}, Prefer::mariadb)),
        IsEmpty());
  EXPECT_THAT(
      cart_of(merged({{row(1, "u", list("a", "2"))}, {document("u", "null")}}, Prefer::mongodb)),
      IsEmpty());
}

TEST(Merge, TheOtherStoreIsPreferredWhoeverCannotBeRead) {
  const auto cart =
      merged({{row(1, "u", "broken")}, {document("u", list("b", "1"))}}, Prefer::mongodb);
  EXPECT_THAT(cart_of(cart), ElementsAre("b 1"));
  EXPECT_THAT(cart.findings,
              ElementsAre("the stores disagree: b: MariaDB none, MongoDB 1, kept 1"));
}

TEST(Merge, ACartThatOneStoreAloneHasIsTakenFromItWhateverIsPreferred) {
  const auto mariadb = merged({{row(1, "u", list("a", "1"))}, {}}, Prefer::mongodb);
  EXPECT_THAT(cart_of(mariadb), ElementsAre("a 1"));
  EXPECT_THAT(mariadb.findings, ElementsAre("only in MariaDB"));
  const auto mongodb = merged({{}, {document("u", list("a", "1"))}}, Prefer::mariadb);
  EXPECT_THAT(cart_of(mongodb), ElementsAre("a 1"));
  EXPECT_THAT(mongodb.findings, ElementsAre("only in MongoDB"));
}

TEST(Merge, WhatWasKeptAsideSaysWhereItStood) {
  const auto cart = merged({{row(1, "u", "broken")}, {document("u", R"([{"quantite": 1.0}])")}});
  EXPECT_THAT(cart_of(cart), IsEmpty());
  EXPECT_THAT(
      cart.aside,
      ElementsAre(Aside{Origin::mariadb, "articles is not JSON", "broken", false, true},
                  Aside{Origin::mongodb, "no article_id", R"({"quantite": 1.0})", false, false}));
}

} // namespace
} // namespace panier::migrate
