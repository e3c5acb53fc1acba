// Carts in the lane's own `reserved` list: the next transaction neither reads nor locks them, and
// writes them only as they were.
#include "mariadb_values.hpp"

namespace panier::contract {
namespace {

constexpr int carts = 20; // more than bulk_carts_min (store/mariadb/bulk.hpp)
constexpr Version before = 10, after = 20;

class MariadbReserved : public MariadbTest {
protected:
  MariadbReserved() {
    make_lane(*ledger_, lane(0));
    for (int n = 0; n < carts; ++n)
      put(*ledger_, numbered(n).text(), n, before);
    auto opened = must(ledger_->open(all()));
    reserve(opened);
  }
  static OpenRequest all() {
    OpenRequest request{.lane = lane(0), .wanted = {}, .keys = {}};
    for (int n = 0; n < carts; ++n)
      request.wanted.push_back({numbered(n), {}});
    std::ranges::sort(request.wanted, {}, &OpenRequest::Wanted::user);
    return request;
  }
  // Lists them all, whatever else the transaction writes.
  void reserve(const Opened& opened, Writes writes = {}) {
    writes.row = *opened.own;
    ++writes.row->last_batch;
    writes.row->token = token(static_cast<int>(writes.row->last_batch));
    writes.row->expires_at = opened.now + 5s;
    writes.row->reserved.clear();
    for (int n = 0; n < carts; ++n)
      writes.row->reserved.push_back({numbered(n), after});
    must(ledger_->commit(writes));
  }
  // What settles them all, and empties the list.
  static Writes settle(const Opened& opened, Version version = after) {
    auto writes = visible(opened, version);
    writes.row->token.reset();
    writes.row->reserved.clear();
    for (auto& row : writes.carts) {
      row.cart.lines = {line("settled", 1000)};
      row.token = token(77);
    }
    return writes;
  }
  // Does any other connection find this cart locked?
  bool locked(int n) {
    const auto other = connect();
    const auto skipped = must(other->open(want(std::nullopt, {{numbered(n), {}}}))).skipped;
    other->rollback(); // at once, not when the server notices that the connection has gone
    return !skipped.empty();
  }
  void expect_all(Version version) {
    for (int n = 0; n < carts; ++n)
      EXPECT_EQ(version_of(*ledger_, numbered(n).text()), version) << n;
  }
  void by_hand(const std::string& sql) { server_.run(sql, database_); }

  std::unique_ptr<Ledger> ledger_ = prepared();
};

TEST_F(MariadbReserved, AreWhatTheLedgerHoldsAndAreSettled) {
  const auto opened = must(ledger_->open(all()));
  const auto read = must(connect()->read(std::vector{numbered(3)}));
  ASSERT_EQ(opened.carts.size(), std::size_t{carts});
  EXPECT_TRUE(std::ranges::is_sorted(opened.carts, {}, &CartRow::user));
  const auto& same = *std::ranges::find(opened.carts, numbered(3), &CartRow::user);
  EXPECT_EQ(same.cart.id, read.at(0).cart.id);
  EXPECT_EQ(same.id_maria, read.at(0).id_maria);
  EXPECT_EQ(same.cart.version, before);
  EXPECT_EQ(same.cart.lines, read.at(0).cart.lines);
  EXPECT_EQ(same.created_at, read.at(0).created_at);
  EXPECT_FALSE(locked(3)) << "nobody may change it, so nobody is kept from looking at it";
  must(ledger_->commit(settle(opened)));
  expect_all(after);
  EXPECT_EQ(must(connect()->read(std::vector{numbered(3)})).at(0).cart.lines,
            std::vector{line("settled", 1000)});
}

TEST_F(MariadbReserved, AreSettledAndReservedAgainAndStayWhatTheLedgerHolds) {
  auto opened = must(ledger_->open(all()));
  reserve(opened, settle(opened));
  opened = must(ledger_->open(all()));
  EXPECT_FALSE(locked(3));
  const auto read = must(connect()->read(std::vector{numbered(3)}));
  const auto& same = *std::ranges::find(opened.carts, numbered(3), &CartRow::user);
  EXPECT_EQ(same.cart.version, after);
  EXPECT_EQ(same.cart.lines, read.at(0).cart.lines);
  EXPECT_EQ(same.token, read.at(0).token);
  EXPECT_EQ(same.id_maria, read.at(0).id_maria);
  EXPECT_EQ(same.updated_at, read.at(0).updated_at);
  must(ledger_->commit(settle(opened, after + 1)));
  expect_all(after + 1);
}

TEST_F(MariadbReserved, OthersThatAreWantedToAreLocked) {
  put(*connect(), "other", 99, before);
  auto request = all();
  request.wanted.push_back({user("other"), {}});
  request.wanted.push_back({user("unknown"), cart_id(98)});
  std::ranges::sort(request.wanted, {}, &OpenRequest::Wanted::user);
  const auto opened = must(ledger_->open(request));
  EXPECT_EQ(opened.carts.size(), std::size_t{carts + 2});
  EXPECT_TRUE(std::ranges::is_sorted(opened.carts, {}, &CartRow::user));
  EXPECT_EQ(must(connect()->open(want("other", 97))).skipped, std::vector{user("other")});
  must(ledger_->commit(settle(opened)));
  expect_all(after);
  EXPECT_EQ(version_of(*ledger_, "other"), after);
  EXPECT_EQ(version_of(*ledger_, "unknown"), after);
}

TEST_F(MariadbReserved, WhatWasOpenedButNotListedIsLocked) {
  put(*connect(), "other", 99, before);
  auto request = all();
  request.wanted.push_back({user("other"), {}});
  std::ranges::sort(request.wanted, {}, &OpenRequest::Wanted::user);
  reserve(must(ledger_->open(request)));
  (void)must(ledger_->open(request));
  EXPECT_EQ(must(connect()->open(want("other", 97))).skipped, std::vector{user("other")});
  EXPECT_FALSE(locked(3));
}

TEST_F(MariadbReserved, WhatIsNotWantedIsNotOpened) {
  auto request = all();
  request.wanted.erase(request.wanted.begin());
  EXPECT_EQ(must(ledger_->open(request)).carts.size(), std::size_t{carts - 1});
}

// Nobody does that who keeps to the rules: a hand, or a mistake.
TEST_F(MariadbReserved, ChangedUnderTheReservationNothingIsWrittenAndItIsSeen) {
  const auto opened = must(ledger_->open(all()));
  by_hand("UPDATE panier SET version=15 WHERE user_id='" + numbered(7).text() + "'");
  const auto refused = ledger_->commit(settle(opened));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_conflict);
  EXPECT_EQ(version_of(*ledger_, numbered(0).text()), before);
  EXPECT_EQ(version_of(*ledger_, numbered(7).text()), 15);

  const auto again = must(ledger_->open(all()));
  EXPECT_EQ(std::ranges::find(again.carts, numbered(7), &CartRow::user)->cart.version, 15);
  EXPECT_EQ(again.own->token, token(2)) << "its lane's row was not written either";
  EXPECT_TRUE(locked(7));
  must(ledger_->commit(settle(again)));
  expect_all(after);
}

TEST_F(MariadbReserved, GoneUnderTheReservationNothingIsWritten) {
  const auto opened = must(ledger_->open(all()));
  by_hand("DELETE FROM panier WHERE user_id='" + numbered(7).text() + "'");
  const auto refused = ledger_->commit(settle(opened));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_conflict);
  EXPECT_EQ(version_of(*ledger_, numbered(0).text()), before);
  EXPECT_EQ(version_of(*ledger_, numbered(7).text()), -1);
  EXPECT_EQ(must(ledger_->open(all())).carts.size(), std::size_t{carts - 1});
}

TEST_F(MariadbReserved, HeldBySomebodyIsAConflictAndSkippedTheNextTime) {
  const auto opened = must(ledger_->open(all()));
  const auto holder = connect();
  (void)must(holder->open(want(std::nullopt, {{numbered(7), {}}})));
  const Stopwatch watch;
  const auto refused = ledger_->commit(settle(opened));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_conflict);
  EXPECT_LT(watch.elapsed(), 900ms) << "waited for a lock, whose timeout is a second";
  const auto again = must(ledger_->open(all()));
  EXPECT_EQ(again.skipped, std::vector{numbered(7)});
  must(ledger_->commit(settle(again)));
  EXPECT_EQ(version_of(*ledger_, numbered(0).text()), after);
  EXPECT_EQ(version_of(*ledger_, numbered(7).text()), before);
}

TEST_F(MariadbReserved, ARefusedRowIsToldByTheTransactionThatIsRunAgainWithItsLocks) {
  by_hand("CREATE TRIGGER refuses BEFORE UPDATE ON panier FOR EACH ROW IF NEW.user_id='" +
          numbered(7).text() + "' THEN SIGNAL SQLSTATE '45000'; END IF");
  auto opened = must(ledger_->open(all()));
  EXPECT_EQ(ledger_->commit(settle(opened)).error().code, Errc::store_conflict);
  opened = must(ledger_->open(all()));
  EXPECT_TRUE(locked(7));
  EXPECT_EQ(ledger_->commit(settle(opened)).error().code, Errc::store_rejected);
  by_hand("DROP TRIGGER refuses");
  must(ledger_->commit(settle(must(ledger_->open(all())))));
  expect_all(after);
}

TEST_F(MariadbReserved, OneIsSettledAloneAndTheOthersStayAsTheyWere) {
  const auto opened = must(ledger_->open(all()));
  auto one = settle(opened);
  one.carts.erase(one.carts.begin() + 1, one.carts.end());
  reserve(opened, one);
  const auto rest = must(ledger_->open(all()));
  EXPECT_EQ(rest.carts.front().cart.version, after);
  EXPECT_EQ(rest.carts.back().cart.version, before);
  EXPECT_FALSE(locked(3));
  must(ledger_->commit(settle(rest, after + 1)));
  expect_all(after + 1);
}

TEST_F(MariadbReserved, AfterAConflictTheyAreLockedForAWhile) {
  const auto conflicting = must(ledger_->open(all()));
  const auto holder = connect();
  (void)must(holder->open(want(std::nullopt, {{numbered(7), {}}})));
  EXPECT_FALSE(ledger_->commit(settle(conflicting)));
  holder->rollback();
  int transactions = 0;
  for (auto opened = must(ledger_->open(all())); locked(3); opened = must(ledger_->open(all()))) {
    reserve(opened);
    ASSERT_LT(++transactions, 1000);
  }
  EXPECT_EQ(transactions, 64);
}

// An aborted list's carts are others' to change, so what is known of them counts no more.
TEST_F(MariadbReserved, WhoseListWasAbortedAreReadAgain) {
  {
    const auto other = connect();
    auto request = all();
    const auto opened = must(other->open(request));
    must(other->commit(settle(opened, before + 5)));
  }
  const auto opened = must(ledger_->open(all()));
  EXPECT_FALSE(opened.own->token);
  for (const auto& row : opened.carts)
    EXPECT_EQ(row.cart.version, before + 5);
  EXPECT_TRUE(locked(7));
}

TEST_F(MariadbReserved, AConnectionThatBrokeChangesNothingOfThat) {
  kill_connections();
  const auto opened = must(ledger_->open(all()));
  kill_connections();
  const auto lost = ledger_->commit(settle(opened));
  ASSERT_FALSE(lost);
  EXPECT_EQ(version_of(*ledger_, numbered(0).text()), before);
  const auto again = must(ledger_->open(all()));
  EXPECT_TRUE(locked(7));
  must(ledger_->commit(settle(again)));
  expect_all(after);
}

TEST_F(MariadbReserved, AServerWithoutAStatementToSpareSettlesThemAllTheSame) {
  const auto opened = must(ledger_->open(all()));
  const auto statements = server_.ask("SELECT @@max_prepared_stmt_count");
  by_hand("SET GLOBAL max_prepared_stmt_count=0");
  const auto refused = ledger_->commit(settle(opened));
  ASSERT_FALSE(refused) << "the connection has prepared it already?";
  EXPECT_EQ(refused.error().code, Errc::store_conflict);
  const auto again = must(ledger_->open(all()));
  EXPECT_TRUE(locked(7));
  const auto settled = ledger_->commit(settle(again));
  by_hand("SET GLOBAL max_prepared_stmt_count=" + statements);
  must(settled);
  expect_all(after);
}

} // namespace
} // namespace panier::contract
