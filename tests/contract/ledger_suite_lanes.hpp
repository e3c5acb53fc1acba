// Part of ledger_suite.hpp: the lane's row, mark-lock-look, locks between connections, last_batch.
#pragma once

#include <algorithm>
#include <atomic>

#include "ledger_suite.hpp"

namespace panier::contract {

inline LaneRow outstanding(const LaneKey& key, std::int64_t batch, LedgerTime now,
                           std::vector<Listed> reserved, std::vector<Listed> in_flight = {}) {
  return LaneRow{key,
                 batch,
                 token(static_cast<int>(batch)),
                 now + 5s,
                 std::move(reserved),
                 std::move(in_flight),
                 now};
}

inline void expect_same_row(const LaneRow& a, const LaneRow& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.last_batch, b.last_batch);
  EXPECT_EQ(a.token, b.token);
  if (b.token) {
    EXPECT_EQ(a.expires_at, b.expires_at);
  }
  EXPECT_EQ(a.reserved, b.reserved);
  EXPECT_EQ(a.in_flight, b.in_flight);
  EXPECT_EQ(a.heartbeat, b.heartbeat);
}

TEST_P(LedgerContract, FirstMarkMakesAnEmptyRow) {
  const auto opened = open(ledger(), want(lane(0), {}));
  EXPECT_FALSE(opened.own);
  EXPECT_GT(opened.now.time_since_epoch(), 0ms);
  Writes writes;
  writes.row = LaneRow{lane(0), 1, {}, {}, {}, {}, opened.now};
  must(ledger().commit(writes));

  const auto again = open(ledger(), want(lane(0), {}));
  ASSERT_TRUE(again.own);
  expect_same_row(*again.own, *writes.row);
  ledger().rollback();
}

TEST_P(LedgerContract, RowRoundTripWithFullLists) {
  constexpr int carts_max = 128;
  std::vector<Listed> reserved, in_flight;
  for (int i = 0; i < carts_max; ++i) {
    const std::string padding(64 - 4, 'x'); // the longest ids there are
    reserved.push_back({user(numbered(i).text() + padding),
                        9'007'199'254'740'993 + i}); // past a double's integers
    in_flight.push_back({numbered(i), 1'764'000'000'000 + i});
  }
  const auto now = must(ledger().ping());
  const auto row = outstanding(lane(3), 7, now + 123ms, reserved, in_flight);
  write_row(row);

  auto opened = open(ledger(), want(lane(3), {}));
  ASSERT_TRUE(opened.own);
  expect_same_row(*opened.own, row);
  const LaneRow cleared{lane(3), 8, {}, {}, {}, {}, now + 1s};
  Writes writes;
  writes.row = cleared;
  must(ledger().commit(writes));

  const auto rows = must(ledger().lanes());
  ASSERT_EQ(rows.size(), 1u);
  expect_same_row(rows.front(), cleared);
}

TEST_P(LedgerContract, OthersAreTheOtherRowsWithAToken) {
  const auto now = must(ledger().ping());
  const auto held = outstanding({"instance-b", 0}, 4, now, {{user("u"), 5}}, {{user("v"), 6}});
  write_row(held);
  write_row({lane(1), 9, {}, {}, {}, {}, now}); // nothing outstanding
  write_row(outstanding(lane(0), 2, now, {{user("w"), 7}}));

  const auto opened = open(ledger(), want(lane(0), {}));
  ledger().rollback();
  ASSERT_EQ(opened.others.size(), 1u);
  expect_same_row(opened.others.front(), held);
  ASSERT_TRUE(opened.own);
  EXPECT_EQ(opened.own->reserved, (std::vector<Listed>{{user("w"), 7}}));

  const auto upkeep = open(ledger(), {});
  ledger().rollback();
  EXPECT_FALSE(upkeep.own);
  EXPECT_EQ(upkeep.others.size(), 2u); // upkeep has no row of its own
  EXPECT_EQ(must(ledger().lanes()).size(), 3u);
}

TEST_P(LedgerContract, LanesOfOneNumberInTwoInstancesAreTwo) {
  const auto now = must(ledger().ping());
  write_row({{"instance-a", 0}, 3, {}, {}, {}, {}, now});
  write_row({{"instance-b", 0}, 8, {}, {}, {}, {}, now});
  EXPECT_EQ(must(ledger().last_batch({"instance-a", 0})), 3);
  EXPECT_EQ(must(ledger().last_batch({"instance-b", 0})), 8);
}

TEST_P(LedgerContract, MarkedRowIsHeldUntilTheEnd) {
  write_row({lane(0), 1, {}, {}, {}, {}, must(ledger().ping())});
  (void)open(ledger(), want(lane(0), {}));
  const auto other = connect();
  const auto blocked = other->open(want(lane(0), {}));
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code, Errc::store_conflict);
  ledger().rollback();
  EXPECT_EQ(open(*other, want(lane(0), {})).own.value().last_batch, 1);
  other->rollback();
}

TEST_P(LedgerContract, WaiterSeesWhatTheHolderCommitted) {
  const auto opened = open(ledger(), want(lane(0), {{user("u"), cart_id(1)}}));
  Opened seen;
  auto waiter = spawn([&] {
    const auto other = connect();
    seen = open(*other, want(lane(0), {{user("u"), cart_id(2)}}));
    other->rollback();
  });
  Writes writes;
  writes.row = LaneRow{lane(0), 1, {}, {}, {}, {}, opened.now};
  must(ledger().commit(writes));
  waiter.join();
  ASSERT_TRUE(seen.own); // the row was locked before the thread started
  EXPECT_EQ(seen.own->last_batch, 1);
  EXPECT_EQ(seen.carts.at(0).cart.id, cart_id(1));
}

TEST_P(LedgerContract, LockedCartsAreSkipped) {
  if (!GetParam().row_locks) GTEST_SKIP() << "one writer: waits instead";
  put(user("a"), 1, 10);
  put(user("b"), 2, 11);
  (void)open(ledger(), want(lane(0), {{user("a"), cart_id(9)}}));

  const auto other = connect();
  const auto opened =
      open(*other, want(lane(1), {{user("a"), cart_id(8)}, {user("b"), cart_id(7)}}));
  EXPECT_EQ(names(opened.carts), std::vector<std::string>{"b"});
  EXPECT_EQ(opened.skipped, std::vector<UserId>{user("a")});
  other->rollback();

  const auto upkeep = open(*other, want(std::nullopt, {{user("a"), std::nullopt}}));
  EXPECT_TRUE(upkeep.carts.empty());
  EXPECT_EQ(upkeep.skipped, std::vector<UserId>{user("a")});
  other->rollback();

  ledger().rollback();
  EXPECT_EQ(names(open(*other, want(lane(1), {{user("a"), std::nullopt}})).carts),
            std::vector<std::string>{"a"});
  other->rollback();
}

TEST_P(LedgerContract, OneWriterWaitsInsteadOfSkipping) {
  if (GetParam().row_locks) GTEST_SKIP() << "row locks: skips instead";
  put(user("a"), 1, 10);
  (void)open(ledger(), want(lane(0), {{user("a"), std::nullopt}}));
  const auto other = connect();
  const auto blocked = other->open(want(lane(1), {{user("b"), cart_id(2)}}));
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code, Errc::store_conflict);
  EXPECT_EQ(must(other->read(std::vector{user("a")})).size(), 1u); // readers never wait
  ledger().rollback();
}

TEST_P(LedgerContract, ReadsDoNotWaitForLocksAndSeeTheCommitted) {
  put(user("a"), 1, 10, {line("x", 1000)});
  (void)open(ledger(), want(lane(0), {{user("a"), std::nullopt}, {user("new"), cart_id(2)}}));
  const auto other = connect();
  const auto rows = must(other->read(std::vector{user("a"), user("new")}));
  EXPECT_EQ(names(rows), std::vector<std::string>{"a"}); // the tombstone is not committed yet
  EXPECT_EQ(must(other->scan(std::nullopt, 10)).size(), 1u);
  ledger().rollback();
}

TEST_P(LedgerContract, NewUserRaceLeavesOneRow) {
  (void)open(ledger(), want(lane(0), {{user("u"), cart_id(1)}}));
  const auto other = connect();
  const auto beside = other->open(want(lane(1), {{user("u"), cart_id(2)}}));
  if (beside) {
    EXPECT_TRUE(beside->carts.empty()) << "two connections hold one user";
    other->rollback();
  } else {
    EXPECT_EQ(beside.error().code, Errc::store_conflict);
  }
  Writes writes;
  writes.row = LaneRow{lane(0), 1, {}, {}, {}, {}, must(other->ping())};
  must(ledger().commit(writes));
  const auto after = open(*other, want(lane(1), {{user("u"), cart_id(2)}}));
  ASSERT_EQ(after.carts.size(), 1u);
  EXPECT_EQ(after.carts.front().cart.id, cart_id(1)); // the first one's id
  other->rollback();
}

TEST_P(LedgerContract, LanesInsertingTheSameNewUsersAgree) {
  constexpr int users = 20, lanes = 2;
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < lanes; ++n)
      threads.push_back(spawn([&, n] {
        const auto mine = connect();
        for (int u = 0; u < users; ++u) {
          const auto opened = open(*mine, want(lane(n), {{numbered(u), cart_id(100 * n + u)}}));
          Writes writes;
          writes.row = LaneRow{lane(n), u + 1, {}, {}, {}, {}, opened.now};
          must(mine->commit(writes));
        }
      }));
  }
  std::vector<std::uint32_t> assigned;
  for (const auto& row : must(ledger().scan(std::nullopt, 100)))
    assigned.push_back(row.id_maria);
  EXPECT_EQ(assigned.size(), static_cast<std::size_t>(users));
  std::ranges::sort(assigned);
  EXPECT_EQ(std::ranges::adjacent_find(assigned), assigned.end());
}

// The promise that reservations rest on: who holds a cart's lock and looks at the other rows
// afterwards sees every reservation of it. A look before the lock lets two lanes reserve one cart
// within a few hundred rounds.
TEST_P(LedgerContract, TwoLanesNeverReserveOneCartAtOnce) {
  constexpr int rounds = 40, lanes = 3;
  put(user("u"), 1, 1);
  std::atomic<int> holders{0}, reserved{0};
  auto one_lane = [&](int n) {
    const auto mine = connect();
    for (int round = 1; round <= 2 * rounds; round += 2) {
      const auto opened = open(*mine, want(lane(n), {{user("u"), std::nullopt}}));
      Writes writes;
      writes.row = LaneRow{lane(n), round, {}, {}, {}, {}, opened.now};
      const bool free = !opened.carts.empty() && opened.others.empty();
      if (free) {
        if (holders.fetch_add(1) != 0) ADD_FAILURE() << "two lanes hold a reservation of one cart";
        ++reserved;
        writes.row = outstanding(lane(n), round, opened.now,
                                 {{user("u"), opened.carts[0].cart.version + 1}});
      }
      must(mine->commit(writes));
      if (!free) continue;
      // Settled without the cart's lock: the row alone says that the reservation is over.
      (void)open(*mine, want(lane(n), {}));
      Writes settled;
      settled.row = LaneRow{lane(n), round + 1, {}, {}, {}, {}, opened.now};
      holders.fetch_sub(1);
      must(mine->commit(settled));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < lanes; ++n)
      threads.push_back(spawn([&, n] { one_lane(n); }));
  }
  EXPECT_GT(reserved.load(), 0);
}

TEST_P(LedgerContract, RollbackLeavesNothing) {
  (void)open(ledger(), want(lane(0), {{user("u"), cart_id(1)}}));
  ledger().rollback();
  EXPECT_FALSE(read_one(user("u")));
  EXPECT_TRUE(must(ledger().lanes()).empty());
  ledger().rollback(); // nothing open: nothing happens
}

TEST_P(LedgerContract, GoneConnectionLeavesNothing) {
  auto other = connect();
  (void)open(*other, want(lane(0), {{user("u"), cart_id(1)}}));
  other.reset();
  const auto opened =
      open(ledger(), want(lane(0), {{user("u"), std::nullopt}})); // waits for the server to notice
  ledger().rollback();
  EXPECT_FALSE(opened.own);
  EXPECT_TRUE(opened.carts.empty());
}

TEST_P(LedgerContract, CommitWithoutATransactionIsAnError) {
  EXPECT_FALSE(ledger().commit({}));
  (void)open(ledger(), want(lane(0), {}));
  ledger().rollback();
  Writes writes;
  writes.row = LaneRow{lane(0), 1, {}, {}, {}, {}, {}};
  EXPECT_FALSE(ledger().commit(writes));
  EXPECT_TRUE(must(ledger().lanes()).empty());
}

TEST_P(LedgerContract, LastBatchTellsCommittedFromNot) {
  EXPECT_EQ(must(ledger().last_batch(lane(0))), std::nullopt);
  write_row({lane(0), 41, {}, {}, {}, {}, must(ledger().ping())});
  EXPECT_EQ(must(ledger().last_batch(lane(0))), 41);

  const auto other = connect();
  (void)open(*other, want(lane(0), {})); // a transaction nobody has an answer of yet
  const auto undecided = ledger().last_batch(lane(0));
  ASSERT_FALSE(undecided);
  EXPECT_EQ(undecided.error().code, Errc::store_conflict);
  other->rollback();
  EXPECT_EQ(must(ledger().last_batch(lane(0))), 41);
}

} // namespace panier::contract
