// The documents themselves: their shape, and what the mirror makes of those that a person or the
// predecessor wrote.
#include "mongo_fixture.hpp"
#include "support/wire_double.hpp"

#include <gmock/gmock.h>

namespace panier::contract {
namespace {

using support::WireDouble;
using testing::ElementsAre;

class MongoDocuments : public testing::Test {
protected:
  MirrorDoc find(std::string_view who) {
    const auto docs = must(mirror_->find(std::vector{user(who)}, 2s));
    if (docs.empty()) throw std::runtime_error("no document");
    return docs.front();
  }
  void build_index() { must(mirror_->ensure_index(true, 2s)); }
  Took write(const MirrorWrite& one) { return must(mirror_->write(std::span(&one, 1), 2s)).at(0); }

  WireDouble server_;
  const std::unique_ptr<store::mongo::MongoMirrorStore> store_ = mongo_store(server_.uri());
  const std::unique_ptr<Mirror> mirror_ = store_->connect();
};

TEST_F(MongoDocuments, ShapeIsThePlatforms) {
  build_index();
  auto cart = cart_of(user("u1"), 7, 1'764'000'000'124);
  cart.cart.lines = {line("art-1", 2000), line("art-2", 1500), line("art-3", 1)};
  ASSERT_EQ(write(cart), Took::held);
  EXPECT_THAT(
      server_.documents(),
      ElementsAre(
          R"({ "_id" : { "$oid" : "656000000000000000000007" }, "user_id" : "u1", "id_maria" : { "$numberInt" : "7" }, )"
          R"("articles" : [ { "article_id" : "art-1", "quantite" : { "$numberDouble" : "2.0" } }, )"
          R"({ "article_id" : "art-2", "quantite" : { "$numberDouble" : "1.5" } }, )"
          R"({ "article_id" : "art-3", "quantite" : { "$numberDouble" : "0.0010000000000000000208" } } ], )"
          R"("version" : { "$numberLong" : "1764000000124" }, "token" : ")" +
          cart.token.hex() +
          R"(", "updated_at" : { "$date" : { "$numberLong" : "1764000000123" } } })"));
}

TEST_F(MongoDocuments, DeletedOnesAreEmptyAndDatedAndRevivedOnesAreNot) {
  build_index();
  auto cart = cart_of(user("u"), 1, 10);
  cart.cart.exists = false; // its lines, if it had any, go
  ASSERT_EQ(write(cart), Took::held);
  EXPECT_EQ(server_.documents(R"({"deleted_at": {"$date": 1764000000123}, "articles": []})").size(),
            1u);
  ASSERT_EQ(write(cart_of(user("u"), 1, 11)), Took::held);
  EXPECT_EQ(server_.documents(R"({"deleted_at": {"$exists": false}})").size(), 1u);
}

TEST_F(MongoDocuments, IdMariaIsExactBeyondInt32) {
  build_index();
  auto cart = cart_of(user("u"), 1, 10);
  cart.id_maria = 4'294'967'295;
  ASSERT_EQ(write(cart), Took::held);
  EXPECT_EQ(find("u").id_maria, 4'294'967'295);
}

TEST_F(MongoDocuments, PredecessorsAreReadAndTakenOver) {
  build_index();
  server_.insert(R"({"_id": {"$oid": "656000000000000000000009"}, "user_id": "u", "id_maria": 3,
                     "articles": [{"article_id": "a", "quantite": {"$numberDouble": "2.5"}}]})");
  const auto doc = find("u");
  EXPECT_EQ(doc.version, 0);
  EXPECT_EQ(doc.token, Token{});
  EXPECT_EQ(doc.id_maria, 3u);
  EXPECT_TRUE(doc.exists && doc.readable);
  EXPECT_EQ(doc.lines, std::vector{line("a", 2500)});
  ASSERT_EQ(write(cart_of(user("u"), 1, 10)), Took::held); // no version is below any version
  EXPECT_EQ(find("u").id, cart_id(9));
}

TEST_F(MongoDocuments, VersionsOfOtherNumberTypesAreReadOthersAreNone) {
  struct Case {
    const char* json;
    Version version;
  };
  for (const auto& [json, version] :
       {Case{R"({"$numberInt": "12"})", 12}, Case{R"({"$numberDouble": "12.0"})", 12},
        Case{R"({"$numberDouble": "12.5"})", 0}, Case{R"({"$numberDouble": "NaN"})", 0},
        Case{R"({"$numberDouble": "1e300"})", 0}, Case{R"({"$numberInt": "-4"})", 0},
        Case{R"("12")", 0}, Case{"null", 0}}) {
    server_.insert(R"({"user_id": "u", "articles": [], "version": )" + std::string(json) + "}");
    EXPECT_EQ(find("u").version, version) << json;
    must(mirror_->remove(find("u").id, 2s));
  }
}

TEST_F(MongoDocuments, TypesThatWeNeverWriteAreNoticed) {
  build_index();
  ASSERT_EQ(write(cart_of(user("u"), 1, 10)), Took::held);
  EXPECT_TRUE(find("u").as_written);
  auto deleted_cart = cart_of(user("v"), 2, 10);
  deleted_cart.cart.exists = false;
  deleted_cart.id_maria = 4'294'967'295;
  ASSERT_EQ(write(deleted_cart), Took::held);
  EXPECT_TRUE(find("v").as_written);
  for (const char* fields :
       {R"("version": {"$numberDouble": "5.0"})", R"("version": {"$numberInt": "5"})",
        R"("version": "5")", R"("id_maria": {"$numberDouble": "1.0"})",
        R"("id_maria": {"$numberLong": "1"})", R"("id_maria": {"$numberInt": "-1"}, "token": 7)",
        R"("id_maria": "1")", R"("updated_at": "2026-11-25")",
        R"("updated_at": {"$numberLong": "1764000000123"})", R"("deleted_at": null)"}) {
    server_.insert(R"({"user_id": "w", "articles": [], )" + std::string(fields) + "}");
    EXPECT_FALSE(find("w").as_written) << fields;
    must(mirror_->remove(find("w").id, 2s));
  }
}

// An import of a table makes a number of a user_id that looks like one, and a text of an _id: the
// document cannot be read, and is in the way of the cart's own.
TEST_F(MongoDocuments, WhatCannotBeReadIsClearedFromACartsWay) {
  build_index();
  for (const char* json :
       {R"({"_id": {"$oid": "656000000000000000000001"}, "user_id": 42, "version": 99})",
        R"({"_id": "656000000000000000000001", "user_id": "42", "version": 99})",
        R"({"_id": 7, "user_id": "42", "version": 99})"}) {
    server_.insert(json);
    EXPECT_EQ(write(cart_of(user("42"), 1, 10)), Took::refused) << json;
    must(mirror_->clear_way(user("42"), cart_id(1), 2s));
    EXPECT_TRUE(server_.documents().empty()) << json;
    EXPECT_EQ(write(cart_of(user("42"), 1, 10)), Took::held) << json;
    must(mirror_->clear_way(user("42"), cart_id(1), 2s));
    EXPECT_EQ(server_.documents().size(), 1u) << json;
    must(mirror_->remove(cart_id(1), 2s));
  }
}

TEST_F(MongoDocuments, LinesOfAnotherShapeAreUnreadable) {
  for (const char* articles :
       {R"([{"article_id": "a", "quantite": {"$numberInt": "2"}}])", // a GUI made an int of a
                                                                     // double
        R"([{"article_id": "a", "quantite": {"$numberLong": "2"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDecimal": "2"}}])",
        R"([{"article_id": "a", "quantite": "2"}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "1.00051"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "0.0"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "-1.0"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "1000000.001"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "NaN"}}])",
        R"([{"article_id": 7, "quantite": {"$numberDouble": "2.0"}}])",
        R"([{"article_id": "pas un identifiant", "quantite": {"$numberDouble": "2.0"}}])",
        R"([{"article_id": "a"}])", R"([{"quantite": {"$numberDouble": "2.0"}}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "2.0"}, "note": "x"}])",
        R"([{"article_id": "a", "quantite": {"$numberDouble": "2.0"}},
            {"article_id": "a", "quantite": {"$numberDouble": "1.0"}}])",
        R"(["a"])", R"({"a": 1})", R"("[]")", "null"}) {
    server_.insert(R"({"user_id": "u", "version": 5, "articles": )" + std::string(articles) + "}");
    const auto doc = find("u");
    EXPECT_FALSE(doc.readable) << articles;
    EXPECT_TRUE(doc.lines.empty()) << articles;
    EXPECT_EQ(doc.version, 5) << articles;
    must(mirror_->remove(doc.id, 2s));
  }
  server_.insert(R"({"user_id": "u", "version": 5})"); // no articles at all
  EXPECT_FALSE(find("u").readable);
}

TEST_F(MongoDocuments, QuantityNearAThousandthIsThatThousandth) {
  server_.insert(R"({"user_id": "u", "articles": [
      {"article_id": "a", "quantite": {"$numberDouble": "0.30000000000000004"}}]})");
  EXPECT_EQ(find("u").lines, std::vector{line("a", 300)});
}

TEST_F(MongoDocuments, ScanCountsWhatCannotBeReadAndReturnsTheRest) {
  for (const char* json :
       {R"({"user_id": "a", "articles": []})",
        R"({"user_id": "pas un identifiant", "articles": []})",
        R"({"user_id": "b", "articles": []})", R"({"user_id": "", "articles": []})",
        R"({"user_id": 7, "articles": []})", R"({"articles": []})",
        R"({"_id": "text", "user_id": "c", "articles": []})",
        R"({"user_id": "z", "articles": []})"})
    server_.insert(json);
  for (const int limit : {1, 2, 3, 100}) {
    std::vector<std::string> users;
    std::optional<UserId> after;
    int unreadable = 0;
    do {
      const auto page = must(mirror_->scan(after, limit, 2s));
      for (const auto& doc : page.docs)
        users.push_back(doc.user.text());
      unreadable += page.unreadable;
      after = page.next;
    } while (after);
    EXPECT_THAT(users, ElementsAre("a", "b", "z")) << limit;
    EXPECT_EQ(unreadable, 5) << limit;
  }
}

TEST_F(MongoDocuments, ScanReturnsAllDocumentsOfAUserOnOnePage) {
  for (const char* who : {"a", "u", "u", "u", "z"})
    server_.insert(R"({"articles": [], "user_id": ")" + std::string(who) + R"("})");
  const auto page = must(mirror_->scan(std::nullopt, 2, 2s));
  EXPECT_EQ(page.docs.size(), 4u); // a, and every u
  EXPECT_EQ(page.next, user("u"));
  EXPECT_EQ(must(mirror_->scan(page.next, 2, 2s)).docs.size(), 1u);
}

TEST_F(MongoDocuments, ListsOfUsersAreCounted) {
  for (int n = 0; n < 4; ++n)
    server_.insert(R"({"user_id": ["a", "b"], "articles": []})");
  EXPECT_EQ(must(mirror_->scan(std::nullopt, 2, 2s)).unreadable, 4);
}

TEST_F(MongoDocuments, IndexIsMissingWhileItCannotBeBuilt) {
  EXPECT_EQ(must(mirror_->ensure_index(false, 2s)), IndexState::missing); // no collection yet
  server_.insert(R"({"user_id": "u", "articles": []})");
  server_.insert(R"({"user_id": "u", "articles": []})");
  EXPECT_EQ(must(mirror_->ensure_index(true, 2s)),
            IndexState::missing); // two documents of one user
  const auto first = find("u").id;
  must(mirror_->remove(first, 2s));
  EXPECT_NE(find("u").id, first); // the other one
  EXPECT_EQ(must(mirror_->ensure_index(false, 2s)), IndexState::missing);
  EXPECT_EQ(must(mirror_->ensure_index(true, 2s)), IndexState::built);
  EXPECT_EQ(must(mirror_->ensure_index(true, 2s)), IndexState::present);
  server_.drop_index();
  EXPECT_EQ(must(mirror_->ensure_index(false, 2s)), IndexState::missing);
}

} // namespace
} // namespace panier::contract
