// MongoDB's bad days, one by one, on the wire double: what each write's verdict is, and that no
// call outlasts its timeout.
#include "mongo_fixture.hpp"
#include "support/wire_double.hpp"

#include <gmock/gmock.h>

#include <future>

namespace panier::contract {
namespace {

using support::WireDouble;
using support::WireFault;
using enum WireFault::Kind;

class MongoFaults : public testing::Test {
protected:
  MongoFaults() { must(mirror_->ensure_index(true, 2s)); }

  Result<std::vector<Took>> write(Mirror::Timeout timeout = 2s) {
    return mirror_->write(writes_, timeout);
  }
  // How many of the writes the server holds.
  int held() {
    std::vector<UserId> users;
    users.reserve(writes_.size());
    for (const auto& one : writes_)
      users.push_back(one.user);
    const auto docs = must(mirror_->find(users, 2s));
    return static_cast<int>(std::ranges::count_if(
        docs, [](const MirrorDoc& doc) { return doc.version == 10 && doc.token == token(10); }));
  }

  WireDouble server_;
  const std::unique_ptr<store::mongo::MongoMirrorStore> store_ = mongo_store(server_.uri());
  const std::unique_ptr<Mirror> mirror_ = store_->connect();
  std::vector<MirrorWrite> writes_{cart_of(user("a"), 1, 10), cart_of(user("b"), 2, 10),
                                   cart_of(user("c"), 3, 10)};
};

TEST_F(MongoFaults, WriteConcernErrorMakesTheWholeBulkUnknown) {
  server_.inject({.command = "update", .kind = write_concern_error, .code = 64});
  EXPECT_EQ(write().error().code, Errc::store_timeout);
  EXPECT_EQ(held(), 3);
}

TEST_F(MongoFaults, PingAsksTheMajorityAndChangesNothing) {
  must(write());
  must(mirror_->ping(2s));
  server_.inject({.command = "findAndModify", .kind = write_concern_error, .code = 64});
  const auto alone = mirror_->ping(2s);
  EXPECT_EQ(alone.error().code, Errc::store_timeout);
  EXPECT_THAT(server_.last("findAndModify"), testing::HasSubstr(R"("w" : "majority")"));
  EXPECT_EQ(must(mirror_->scan(std::nullopt, 10, 2s)).docs.size(), 3U);
}

TEST_F(MongoFaults, WriteErrorsDecideAloneAndEachForItsWrite) {
  struct Case {
    int code;
    Took took;
  };
  for (const auto& [code, expected] :
       {Case{11000, Took::refused}, Case{121, Took::failed}, Case{10334, Took::failed},
        Case{10107, Took::unknown}, Case{91, Took::unknown}, Case{13, Took::unknown},
        Case{1'234'567, Took::unknown}}) {
    for (auto& one : writes_)
      ++one.cart.version;
    server_.inject({.command = "update", .kind = write_errors, .code = code, .indexes = {1}});
    EXPECT_EQ(must(write()), (std::vector{Took::held, expected, Took::held})) << code;
  }
}

// No write is acknowledged on the word of an answer that is short of one.
TEST_F(MongoFaults, AnswerThatDoesNotAddUpMakesTheWholeBulkUnknown) {
  server_.inject({.command = "update", .kind = short_bulk});
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::unknown));
  EXPECT_EQ(held(), 1);
}

TEST_F(MongoFaults, UpsertsThatCollideAreRefused) {
  server_.inject({.command = "update", .kind = write_errors, .code = 11000});
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::refused));
  EXPECT_EQ(held(), 0);
}

TEST_F(MongoFaults, NotPrimaryIsUnreachableAndTheNextCallFindsThePrimary) {
  for (const int code : {10107, 13435, 189, 11600}) {
    server_.inject({.command = "update", .kind = error, .code = code});
    const auto took = write();
    ASSERT_FALSE(took) << code;
    EXPECT_EQ(took.error().code, Errc::store_unreachable) << code;
  }
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::held));
}

TEST_F(MongoFaults, MissingPrivilegesAreDenied) {
  server_.inject({.command = "*", .kind = error, .times = 2, .code = 13});
  for (const Errc code :
       {write().error().code, mirror_->find(std::vector{user("a")}, 2s).error().code})
    EXPECT_EQ(code, Errc::store_denied);
}

TEST_F(MongoFaults, RefusedCommandIsRejected) {
  server_.inject({.command = "update", .kind = error, .code = 9});
  EXPECT_EQ(write().error().code, Errc::store_rejected);
}

// A connection that was used before is replaced once: the guard makes sending twice harmless, and
// what took the first time is refused the second time, which is read back.
TEST_F(MongoFaults, BrokenConnectionIsReplacedOnce) {
  server_.inject({.command = "update", .kind = drop_before});
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::held));
  EXPECT_EQ(server_.count("update"), 2);
}

TEST_F(MongoFaults, AnswerLostOnAUsedConnectionEndsInRefusals) {
  server_.inject({.command = "update", .kind = drop_after});
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::refused));
  EXPECT_EQ(held(), 3);
}

TEST_F(MongoFaults, HalfAnAnswerIsNoAnswer) {
  server_.inject({.command = "update", .kind = half_reply, .times = 2});
  const auto took = write();
  ASSERT_FALSE(took);
  EXPECT_EQ(took.error().code, Errc::store_timeout);
  EXPECT_EQ(held(), 3);
}

TEST_F(MongoFaults, ConnectionThatBreaksTwiceIsGivenUp) {
  server_.inject({.command = "update", .kind = drop_before, .times = -1});
  const auto took = write();
  ASSERT_FALSE(took);
  EXPECT_EQ(took.error().code, Errc::store_timeout); // sent, so nobody knows
  EXPECT_EQ(server_.count("update"), 2);
}

TEST_F(MongoFaults, SilenceEndsAtTheTimeoutAndTheNextCallIsNotDelayed) {
  server_.inject({.command = "update", .kind = hang_before});
  const auto time = timed([&] { EXPECT_EQ(write(300ms).error().code, Errc::store_timeout); });
  EXPECT_GE(time, 300ms);
  EXPECT_LT(time, 300ms + overrun_max);
  EXPECT_LT(timed([&] { EXPECT_EQ(must(write()), std::vector<Took>(3, Took::held)); }),
            at_once_max);
}

TEST_F(MongoFaults, LateAnswerIsNotTakenForTheNextOne) {
  server_.inject({.command = "update", .kind = hang_after});
  EXPECT_EQ(write(200ms).error().code, Errc::store_timeout);
  server_.clear_faults(); // here it comes
  for (int call = 0; call < 20; ++call)
    EXPECT_EQ(held(), 3);
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::refused));
}

TEST_F(MongoFaults, FrozenServerHoldsUpNoCallHoweverManyThereAre) {
  server_.inject({.command = "*", .kind = hang_before, .times = -1});
  for (int call = 0; call < 6; ++call)
    EXPECT_LT(timed([&] { EXPECT_FALSE(write(200ms)); }), 200ms + overrun_max);
  EXPECT_LT(timed([&] { EXPECT_FALSE(mirror_->ping(200ms)); }), 200ms + overrun_max);
  EXPECT_LT(timed([&] { EXPECT_FALSE(mirror_->scan(std::nullopt, 10, 200ms)); }),
            200ms + overrun_max);
  server_.clear_faults();
  EXPECT_LT(timed([&] { must(mirror_->ping(2s)); }), at_once_max);
}

// The lane has left, its reservation may be aborted by others: a connection that comes about now
// must not send.
TEST_F(MongoFaults, NothingIsSentForACallerThatWasToldNotSent) {
  server_.down();
  const auto other = store_->connect(); // has no connection yet
  const auto took = other->write(writes_, 300ms);
  ASSERT_FALSE(took);
  EXPECT_EQ(took.error().code, Errc::store_unreachable);
  server_.up();
  must(other->ping(2s)); // the server is there, for the thread that was left behind, too
  must(mirror_->ping(2s));
  EXPECT_EQ(server_.count("update"), 0);
  EXPECT_EQ(held(), 0);
}

TEST_F(MongoFaults, BackWithinASecondOfTheServer) {
  server_.down();
  for (int call = 0; call < 3; ++call)
    EXPECT_FALSE(mirror_->ping(200ms));
  server_.up();
  EXPECT_LT(timed([&] { must(mirror_->ping(2s)); }), at_once_max);
}

TEST_F(MongoFaults, TimeoutsOfTheCallsAreCutToTheStores) {
  const auto store = mongo_store(server_.uri(), 200ms);
  const auto mirror = store->connect();
  must(mirror->ping(1s));
  server_.inject({.command = "findAndModify", .kind = hang_before});
  EXPECT_LT(timed([&] { EXPECT_FALSE(mirror->ping(60s)); }), 200ms + overrun_max);
  EXPECT_EQ(server_.count("findAndModify"), 2); // silence is not sent to a second time
}

TEST_F(MongoFaults, MirrorGoesAtOnceWhileItsServerIsSilent) {
  auto other = store_->connect();
  server_.inject({.command = "findAndModify", .kind = hang_before, .times = -1});
  EXPECT_FALSE(other->ping(100ms));
  EXPECT_LT(timed([&] { other.reset(); }), at_once_max);
  server_.clear_faults();
}

TEST_F(MongoFaults, SlowAnswerInTimeIsAnAnswer) {
  server_.inject({.command = "update", .kind = delay, .delay = 100ms});
  EXPECT_EQ(must(write()), std::vector<Took>(3, Took::held));
}

TEST_F(MongoFaults, ReadIsSentAgainOnANewConnection) {
  must(write());
  for (const auto kind : {drop_before, half_reply}) {
    server_.inject({.command = "find", .kind = kind});
    EXPECT_EQ(held(), 3);
  }
}

TEST_F(MongoFaults, DeleteWithoutItsMajorityIsNotTold) {
  must(write());
  server_.inject({.command = "delete", .kind = write_concern_error, .code = 64});
  EXPECT_EQ(mirror_->purge(user("a"), 10, 2s).error().code, Errc::store_timeout);
  server_.inject({.command = "delete", .kind = write_errors, .code = 13});
  EXPECT_EQ(mirror_->remove(cart_id(2), 2s).error().code, Errc::store_denied);
  EXPECT_EQ(must(mirror_->purge(user("a"), 10, 2s)), true); // gone already
  EXPECT_EQ(held(), 2);
}

TEST_F(MongoFaults, StoreIsUsedByManyMirrorsAtOnce) {
  constexpr int mirrors = 12;
  std::vector<std::future<Took>> all;
  all.reserve(mirrors);
  for (int n = 0; n < mirrors; ++n)
    all.push_back(std::async(std::launch::async, [this, n] {
      const auto mine = store_->connect();
      const auto one = cart_of(numbered(n), 100 + n, 10);
      return must(mine->write(std::span(&one, 1), 2s)).at(0);
    }));
  for (auto& one : all)
    EXPECT_EQ(one.get(), Took::held);
}

} // namespace
} // namespace panier::contract
