// What several connections do to each other in MariaDB, and what the schema step promises.
#include "mariadb_values.hpp"

namespace panier::contract {
namespace {

using MariadbLocks = MariadbTest;
using MariadbSchema = MariadbTest;
using MariadbText = MariadbTest;

TEST_F(MariadbLocks, TwoLanesLockDifferentCartsOfASmallTable) {
  const auto ledger = prepared();
  for (int n = 0; n < 4; ++n)
    put(*ledger, numbered(n).text(), n, 10);
  const auto other = connect();
  const auto mine = must(ledger->open(want(lane(0), {{numbered(0), {}}, {numbered(2), {}}})));
  const auto theirs = must(other->open(want(lane(1), {{numbered(1), {}}, {numbered(3), {}}})));
  EXPECT_EQ(mine.carts.size(), 2u);
  EXPECT_EQ(theirs.carts.size(), 2u);
  EXPECT_TRUE(theirs.skipped.empty());
}

TEST_F(MariadbLocks, NewUserOfAnotherTransactionIsAConflictUntilItEnds) {
  const auto ledger = prepared();
  const auto other = connect();
  (void)must(ledger->open(want("u", 1)));
  const Stopwatch watch;
  const auto collided = other->open(want("u", 2));
  ASSERT_FALSE(collided);
  EXPECT_EQ(collided.error().code, Errc::store_conflict);
  EXPECT_LT(watch.elapsed(), 2s);
  must(ledger->commit({}));
  EXPECT_EQ(must(other->open(want("u", 2))).carts.at(0).cart.id, cart_id(1));
}

// Else a lane and whoever aborts its list could each hold what the other waits for.
TEST_F(MariadbLocks, WhoWaitsForALanesRowHoldsNoCart) {
  const auto ledger = prepared();
  make_lane(*ledger, lane(0));
  put(*ledger, "u", 1, 10);
  (void)must(ledger->open(want(lane(0), {})));
  std::jthread waiter([this](const std::stop_token& enough) {
    const auto other = connect();
    while (!enough.stop_requested()) // a wait for a lock ends after a second
      EXPECT_FALSE(other->open(want(lane(0), {{user("u"), {}}})));
  });
  wait_for_a_waiter();
  const auto third = connect();
  EXPECT_EQ(must(third->open(want(std::nullopt, {{user("u"), {}}}))).carts.size(), 1U);
  waiter.request_stop();
  waiter.join();
}

// The lists are looked at after the last lock, also where that one was waited for.
TEST_F(MariadbLocks, WhoWaitedForANewUserSeesThatItIsReserved) {
  const auto ledger = prepared();
  make_lane(*ledger, lane(0));
  make_lane(*ledger, lane(1));
  const auto mine = must(ledger->open(want(lane(0), {{user("u"), cart_id(1)}})));
  Result<Opened> seen = Opened{};
  std::jthread waiter([&] {
    const auto other = connect();
    do // a wait for a lock ends after a second
      seen = other->open(want(lane(1), {{user("u"), cart_id(2)}}));
    while (!seen && seen.error().code == Errc::store_conflict);
  });
  wait_for_a_waiter();
  Writes writes;
  writes.row = LaneRow{lane(0), 2, token(2), mine.now + 5s, {{user("u"), 7}}, {}, mine.now};
  must(ledger->commit(writes));
  waiter.join();
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->carts.size(), 1U);
  ASSERT_EQ(seen->others.size(), 1U);
  EXPECT_EQ(seen->others[0].reserved, writes.row->reserved);
}

TEST_F(MariadbLocks, DeadlockMeansRunItAgain) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  server_.run("CREATE TABLE weight (n INT) ENGINE=InnoDB", database_);
  const auto opened = must(ledger->open(want("u", 1)));
  // Heavier than ours, so that the server lets it live.
  auto stranger = stranger_who_waits(
      "BEGIN; INSERT INTO weight SELECT seq FROM seq_1_to_500;"
      "INSERT INTO panier_mirror_lag VALUES ('u', 1);"
      "SELECT * FROM panier FORCE INDEX (uq_panier_user) WHERE user_id='u' FOR UPDATE;"
      "ROLLBACK");
  auto writes = visible(opened, 11);
  writes.lag = {{user("u"), 11}};
  const auto committed = ledger->commit(writes);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::store_conflict);
  stranger.join();
  EXPECT_EQ(version_of(*ledger, "u"), 10);
  put(*ledger, "u", 1, 11);
}

TEST_F(MariadbLocks, LockedRowAtCommitIsAConflictWithinTheLockWait) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  const auto blocker = connect();
  (void)must(blocker->open(want("w", 2)));
  auto opened = must(ledger->open(want("u", 1)));
  auto stranger = stranger_who_waits(
      "BEGIN; INSERT INTO panier_mirror_lag VALUES ('u', 1);"
      "SELECT * FROM panier FORCE INDEX (uq_panier_user) WHERE user_id='w' FOR UPDATE;"
      "ROLLBACK");
  auto writes = visible(opened, 11);
  writes.lag = {{user("u"), 11}};
  const Stopwatch watch;
  const auto committed = ledger->commit(writes);
  EXPECT_LT(watch.elapsed(), 2s);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::store_conflict);
  blocker->rollback();
  stranger.join();
  EXPECT_EQ(version_of(*ledger, "u"), 10);
}

TEST_F(MariadbLocks, WriteToACartThatWasNotLockedIsRefused) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  put(*ledger, "v", 2, 10);
  auto opened = must(ledger->open(want("u", 1)));
  auto writes = visible(opened, 11);
  writes.carts[0].user = user("v");
  const auto committed = ledger->commit(writes);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::internal);
  EXPECT_EQ(version_of(*ledger, "v"), 10);
}

TEST_F(MariadbSchema, StoresPreparingAtOnceAgree) {
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 4; ++n)
      threads.emplace_back([&] { EXPECT_TRUE(MariadbLedgerStore(settings_).prepare()); });
  }
  EXPECT_EQ(server_.ask("SELECT GROUP_CONCAT(version) FROM panier_schema", database_), "1");
  EXPECT_EQ(server_.ask("SELECT COUNT(*) FROM panier_floor", database_), "1");
}

TEST_F(MariadbSchema, PredecessorsTableIsLeftAlone) {
  server_.run("CREATE TABLE panier ("
              "  id_maria INT(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,"
              "  id VARCHAR(24) NOT NULL, user_id VARCHAR(24) NOT NULL, articles LONGTEXT,"
              "  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,"
              "  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE "
              "CURRENT_TIMESTAMP,"
              "  UNIQUE KEY uq_panier_id (id), KEY idx_panier_user (user_id)"
              ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
              database_);
  const auto before = server_.ask("CHECKSUM TABLE panier EXTENDED", database_);
  const auto refused = MariadbLedgerStore(settings_).prepare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::schema_unmigrated);
  EXPECT_EQ(server_.ask("SELECT GROUP_CONCAT(table_name) FROM information_schema.tables WHERE "
                        "table_schema=DATABASE()",
                        database_),
            "panier");
  EXPECT_EQ(server_.ask("CHECKSUM TABLE panier EXTENDED", database_), before);
  // Found only later, after a start without the store.
  const auto ledger = connect();
  EXPECT_EQ(ledger->open(want("u", 1)).error().code, Errc::schema_unmigrated);
  EXPECT_EQ(ledger->ping().error().code, Errc::schema_unmigrated);
}

TEST_F(MariadbSchema, SchemaOfALaterReleaseIsRefused) {
  (void)prepared();
  server_.run("INSERT INTO panier_schema VALUES (99, NOW(3))", database_);
  const auto refused = MariadbLedgerStore(settings_).prepare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::schema_unmigrated);
}

TEST_F(MariadbSchema, PredecessorCanReadTheTable) {
  const auto ledger = prepared();
  const auto opened = must(ledger->open(want("u", 1)));
  auto writes = visible(opened, 10);
  writes.carts[0].cart.lines = {line("a1", 2000), line("a2", 1500)};
  must(ledger->commit(writes));
  EXPECT_EQ(server_.ask("SELECT CONCAT_WS('|',id,user_id,RTRIM(articles)) FROM panier", database_),
            cart_id(1).hex() + R"(|u|[{"article_id": "a1", "quantite": 2.0}, )" +
                R"({"article_id": "a2", "quantite": 1.5}])");
}

TEST_F(MariadbText, EveryCharacterOfTheAlphabetIsKept) {
  const auto ledger = prepared();
  const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@-";
  const auto first = alphabet.substr(0, 64);
  const auto second = alphabet.substr(3);
  for (const auto& who : {first, second}) {
    const auto opened = must(ledger->open(want(who, who == first ? 1 : 2)));
    auto writes = visible(opened, 10);
    writes.carts[0].cart.lines = {line(who, 1000)};
    must(ledger->commit(writes));
    const auto whose = user(who);
    const auto rows = must(ledger->read(std::span(&whose, 1)));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].cart.lines, std::vector{line(who, 1000)});
  }
}

TEST_F(MariadbText, QuotesAndBackslashesStayText) {
  const auto ledger = prepared();
  const std::string nasty = R"('; DROP TABLE panier; -- \' " \\ %s ` /* )";
  put(*ledger, "u", 1, 10);
  OpenRequest request = want("u", 1);
  (void)must(ledger->open(request));
  Writes writes;
  writes.keys = {stored_key(user("u"), 1, nasty)};
  must(ledger->commit(writes));
  request.keys = {key_ref(user("u"), 1)};
  EXPECT_EQ(must(ledger->open(request)).keys.at(0).answer, nasty);
}

TEST_F(MariadbText, AnswerThatIsTooLongIsRejectedNotCut) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  const auto opened = must(ledger->open(want("u", 1)));
  auto writes = visible(opened, 11);
  writes.keys = {stored_key(user("u"), 1, std::string(201, 'x'))};
  const auto committed = ledger->commit(writes);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::store_rejected);
  EXPECT_EQ(version_of(*ledger, "u"), 10);
}

TEST_F(MariadbText, HandEditedCartIsUnreadableAloneAndAWriteKeepsItsText) {
  const auto ledger = prepared();
  put(*ledger, "good", 1, 10);
  put(*ledger, "spoilt", 2, 10);
  server_.run("UPDATE panier SET articles='[{\\\\' WHERE user_id='spoilt'", database_);
  const auto rows = ledger->scan(std::nullopt, 10);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_FALSE((*rows)[0].unreadable);
  EXPECT_EQ((*rows)[1].unreadable, "[{\\");

  const auto opened = ledger->open(want("spoilt", 2));
  ASSERT_TRUE(opened);
  auto raised = opened->carts.at(0);
  ASSERT_TRUE(raised.unreadable);
  raised.cart.version = 20;
  commit::Writes writes;
  writes.carts.push_back(raised);
  ASSERT_TRUE(ledger->commit(writes));
  EXPECT_EQ(version_of(*ledger, "spoilt"), 20);
  EXPECT_EQ(ledger->scan(std::nullopt, 10)->at(1).unreadable, "[{\\");
}

TEST_F(MariadbText, ARowThatCannotBeReadFailsAloneAndIsKept) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  const auto spoil = [&](const std::string& sql) {
    server_.run("SET SESSION sql_mode='',time_zone='+00:00';UPDATE panier SET " + sql, database_);
    const auto opened = must(ledger->open(want("u", 1)));
    commit::Writes writes;
    writes.carts = opened.carts;
    ++writes.carts.at(0).cart.version;
    must(ledger->commit(writes));
    return must(ledger->scan(std::nullopt, 10)).at(0);
  };
  const auto lines = spoil("token=NULL").cart.lines;
  EXPECT_FALSE(spoil("created_at=0,updated_at=0").unreadable);
  const auto spoilt = spoil("id='AB'");
  ASSERT_TRUE(spoilt.unreadable);
  EXPECT_EQ(server_.ask("SELECT CONCAT(id,version) FROM panier", database_), "AB13");
  EXPECT_EQ(spoil("id='" + cart_id(1).hex() + "'").cart.lines, lines);
}

TEST_F(MariadbText, ARowThatNoRequestCanNameIsToldApart) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  server_.run("INSERT INTO panier (id,user_id,articles) VALUES ('1','jean dupont','[]'),"
              "('2','','[]'),('3','new\\nline','[]')",
              database_);
  EXPECT_EQ(must(ledger->misnamed({}, {}, 10)).size(), 3U);
  EXPECT_EQ(must(ledger->misnamed({}, {}, 2)).size(), 2U);
  expect_misnamed_apart(*ledger, user("u"), [&] {
    server_.run("UPDATE panier SET deleted_at=NOW(3);"
                "INSERT INTO panier_mirror_lag VALUES ('jean dupont',1)",
                database_);
  });
}

// The collation takes blanks at the end for nothing, so the row is found under the name without.
TEST_F(MariadbText, ARowWithABlankBehindItsNameFailsAlone) {
  const auto ledger = prepared();
  put(*ledger, "bob", 1, 10);
  put(*ledger, "u", 2, 10);
  server_.run("UPDATE panier SET user_id='bob ' WHERE user_id='bob';"
              "INSERT INTO panier_mirror_lag VALUES ('bob ',1)",
              database_);
  EXPECT_EQ(must(ledger->misnamed({}, {}, 10)), std::vector<std::string>{"bob "});
  const std::vector whose{user("bob"), user("u")};
  auto rows = must(ledger->read(whose));
  ASSERT_EQ(rows.size(), 2U);
  std::ranges::sort(rows, {}, &commit::CartRow::user);
  EXPECT_TRUE(rows[0].unreadable);
  EXPECT_FALSE(rows[1].unreadable);
  OpenRequest both;
  both.wanted = {{user("bob"), cart_id(3)}, {user("u"), cart_id(4)}};
  both.lag_too = true;
  const auto opened = must(ledger->open(both));
  ASSERT_EQ(opened.carts.size(), 2U);
  EXPECT_TRUE(opened.carts[0].unreadable);
  EXPECT_EQ(opened.lagging, std::vector{user("bob")});
}

} // namespace
} // namespace panier::contract
