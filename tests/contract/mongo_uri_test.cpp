// What MONGO_URI_PANIERS may say, and what panier does whatever it says.
#include "mongo_fixture.hpp"
#include "support/wire_double.hpp"

#include <gmock/gmock.h>

namespace panier::contract {
namespace {

using support::WireDouble;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* login = "alice:s3cr%65t-p%40ss";

Error refused(const std::string& uri) {
  store::mongo::Settings settings;
  settings.uri = uri;
  const auto valid = store::mongo::validate(settings);
  if (valid) throw std::runtime_error("accepted: " + uri);
  EXPECT_FALSE(store::mongo::MongoMirrorStore::make(settings).has_value());
  return valid.error();
}

TEST(MongoUri, UnacknowledgedWritesAreRefused) {
  for (const std::string options : {"w=0", "safe=false", "w=0&retryWrites=true"}) {
    const Error error = refused("mongodb://alice:s3cret@db/Paniers?" + options);
    EXPECT_EQ(error.code, Errc::config_invalid);
    EXPECT_EQ(error.field, "MONGO_URI_PANIERS");
    EXPECT_THAT(error.detail, AllOf(HasSubstr("w=0"), Not(HasSubstr("s3cret"))));
  }
}

TEST(MongoUri, WhatIsNoUriIsRefusedWithoutQuotingIt) {
  for (const std::string uri :
       {"", "db.example", "http://db/Paniers", "mongodb://", "mongodb://alice:s3cret:x@db/Paniers",
        "mongodb://alice:s3cret@db:port/Paniers",
        "mongodb://alice:s3cret@db/Paniers?w=0&journal=true",
        "mongodb://db/Paniers?tls=true&tlsCertificateKeyFilePassword=s3cret&tlsInsecure=maybe&="}) {
    const Error error = refused(uri);
    EXPECT_EQ(error.code, Errc::config_invalid) << uri;
    EXPECT_EQ(error.field, "MONGO_URI_PANIERS") << uri;
    EXPECT_THAT(error.detail, Not(HasSubstr("s3cret"))) << uri;
  }
}

TEST(MongoUri, TimeoutIsBounded) {
  store::mongo::Settings settings;
  settings.uri = "mongodb://db/Paniers";
  for (const auto timeout : {0ms, -1ms, 60'001ms}) {
    settings.timeout = timeout;
    const auto valid = store::mongo::validate(settings);
    ASSERT_FALSE(valid);
    EXPECT_EQ(valid.error().field, "PANIER_MIRROR_TIMEOUT_MS");
  }
}

// One write and one read through these options, as the server saw them.
class OverriddenOptions : public testing::TestWithParam<const char*> {};

TEST_P(OverriddenOptions, MajorityPrimaryAndOnceWhateverTheUriSays) {
  WireDouble server;
  const auto store = mongo_store(server.uri(GetParam()));
  const auto mirror = store->connect();
  const auto write = cart_of(user("u"), 1, 10);
  EXPECT_EQ(must(mirror->write(std::span(&write, 1), 2s)), std::vector{Took::held});
  EXPECT_EQ(must(mirror->find(std::span(&write.user, 1), 2s)).size(), 1u);
  must(mirror->purge(user("u"), 10, 2s));

  for (const char* command : {"update", "delete"})
    EXPECT_THAT(server.last(command),
                AllOf(HasSubstr(R"("w" : "majority", "j" : true, "wtimeout" : )"),
                      Not(HasSubstr("txnNumber"))))
        << command; // txnNumber: how a driver marks a write that it may send twice
  EXPECT_THAT(server.last("update"), HasSubstr(R"("ordered" : false)"));
  EXPECT_THAT(server.last("find"), HasSubstr(R"("readConcern" : { "level" : "majority" })"));
  EXPECT_THAT(server.last("find"), Not(HasSubstr("secondary")));
}

INSTANTIATE_TEST_SUITE_P(
    MongoUri, OverriddenOptions,
    testing::Values("", "w=1", "w=2&journal=false&wtimeoutMS=7", "readPreference=secondary",
                    "readPreference=nearest&readPreferenceTags=dc:paris", "readConcernLevel=local",
                    "retryWrites=true&retryReads=true", "maxPoolSize=1&waitQueueTimeoutMS=1",
                    "heartbeatFrequencyMS=60000&serverSelectionTimeoutMS=60000", "replicaSet=rs0",
                    "directConnection=true"));

TEST(MongoUri, DatabaseOfTheUriIsUsed) {
  WireDouble server;
  const auto store = mongo_store("mongodb://127.0.0.1:" + std::to_string(server.port()) + "/Autre");
  must(store->connect()->ping(2s));
  EXPECT_THAT(server.last("findAndModify"), HasSubstr(R"("$db" : "Autre")"));
  const auto plain = mongo_store("mongodb://127.0.0.1:" + std::to_string(server.port()));
  must(plain->connect()->ping(2s));
  EXPECT_THAT(server.last("findAndModify"), HasSubstr(R"("$db" : "Paniers")"));
}

TEST(MongoUri, RefusedLoginIsDeniedAndThePasswordStaysSecret) {
  WireDouble server;
  const auto store = mongo_store(server.uri("", login));
  const auto mirror = store->connect();
  const auto write = cart_of(user("u"), 1, 10);
  const auto took = mirror->write(std::span(&write, 1), 2s);
  ASSERT_FALSE(took);
  EXPECT_EQ(took.error().code, Errc::store_denied);
  const auto pinged = mirror->ping(2s);
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, Errc::store_denied);
  for (const std::string& detail : {took.error().detail, pinged.error().detail})
    EXPECT_THAT(detail, AllOf(Not(HasSubstr("s3cr")), Not(HasSubstr("p@ss"))));
  EXPECT_EQ(server.count("update"), 0);
}

TEST(MongoUri, AServerThatIsGoneIsNotWaitedForAsLongAsAnAnswer) {
  const auto store = mongo_store("mongodb://127.0.0.1:1/Paniers", 30s);
  const auto started = std::chrono::steady_clock::now();
  const auto pinged = store->connect()->ping(30s);
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, Errc::store_unreachable);
  EXPECT_LT(std::chrono::steady_clock::now() - started,
            15s); // a second, on a machine that is not busy
}

TEST(MongoUri, UnreachableServersDoNotTellThePassword) {
  const auto store = mongo_store("mongodb://" + std::string(login) + "@127.0.0.1:1/Paniers", 300ms);
  const auto pinged = store->connect()->ping(300ms);
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().code, Errc::store_unreachable);
  EXPECT_THAT(pinged.error().detail, AllOf(Not(HasSubstr("s3cr")), Not(HasSubstr("p@ss"))));
}

} // namespace
} // namespace panier::contract
