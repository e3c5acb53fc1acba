// Part of ledger_suite.hpp: lag rows, purge and floor, dead lanes, old keys, pages.
#pragma once

#include <algorithm>

#include "ledger_suite.hpp"

namespace panier::contract {

TEST_P(LedgerContract, PrepareTwiceChangesNothing) {
  put(user("u"), 1, 10);
  must(store().prepare());
  EXPECT_EQ(read_one(user("u")).value().cart.version, 10);
}

TEST_P(LedgerContract, GreaterLagStays) {
  put(user("u"), 1, 10);
  put(user("v"), 2, 10);
  const auto lagging_of = [&](std::vector<OpenRequest::Wanted> wanted) {
    auto request = want(std::nullopt, std::move(wanted));
    EXPECT_TRUE(open(ledger(), request).lagging.empty()) << "unasked";
    ledger().rollback();
    request.lag_too = true;
    auto lagging = open(ledger(), request).lagging;
    ledger().rollback();
    return lagging;
  };
  Writes writes;
  writes.lag = {{user("u"), 10}};
  write(writes, {user("u")});
  EXPECT_EQ(lagging_of({{user("u"), {}}, {user("v"), {}}}), std::vector{user("u")});
  EXPECT_TRUE(lagging_of({{user("v"), {}}}).empty());
  EXPECT_TRUE(lagging_of({}).empty());
  writes.lag = {{user("u"), 8}};
  write(writes, {user("u")});
  auto lagging = must(ledger().lagging(std::nullopt, 10));
  ASSERT_EQ(lagging.size(), 1u);
  EXPECT_EQ(lagging[0].lag_version, 10);
  EXPECT_EQ(lagging[0].row.cart.version, 10);
  EXPECT_EQ(lagging[0].row.cart.lines, std::vector{line("a", 1000)});
  writes.lag = {{user("u"), 12}};
  write(writes, {user("u")});
  EXPECT_EQ(must(ledger().lagging(std::nullopt, 10)).at(0).lag_version, 12);
  EXPECT_EQ(must(ledger().lag_count()), 1);
}

TEST_P(LedgerContract, OfTwoLagRowsInOneWriteTheGreaterStays) {
  put(user("u"), 1, 10);
  Writes writes;
  writes.lag = {{user("u"), 12}, {user("u"), 11}};
  write(writes, {user("u")});
  EXPECT_EQ(must(ledger().lagging(std::nullopt, 10)).at(0).lag_version, 12);
}

TEST_P(LedgerContract, LagIsDoneOnlyIfNotGreater) {
  put(user("u"), 1, 10);
  Writes lag;
  lag.lag = {{user("u"), 10}};
  Writes done;
  auto count_after = [&](Version version, bool in_transaction) {
    write(lag, {user("u")});
    if (in_transaction) {
      done.lag_done = {{user("u"), version}};
      write(done, {user("u")});
    } else {
      must(ledger().lag_done(std::vector<Listed>{{user("u"), version}}));
    }
    return must(ledger().lag_count());
  };
  EXPECT_EQ(count_after(9, true), 1);
  EXPECT_EQ(count_after(9, false), 1);
  EXPECT_EQ(count_after(10, true), 0);
  EXPECT_EQ(count_after(10, false), 0);
  EXPECT_EQ(count_after(11, true), 0);
  must(ledger().lag_done(std::vector<Listed>{{user("nobody"), 1}}));
  must(ledger().lag_done({}));
}

TEST_P(LedgerContract, AddedLagIsAtTheVisibleVersionAtLeast) {
  put(user("a"), 1, 10);
  put(user("b"), 2, 10);
  must(ledger().add_lag(std::vector<Listed>{{user("a"), 3}, {user("b"), 15}}));
  auto lagging = must(ledger().lagging(std::nullopt, 10));
  ASSERT_EQ(lagging.size(), 2u);
  EXPECT_EQ(lagging[0].lag_version, 10);
  EXPECT_EQ(lagging[1].lag_version, 15);
  must(ledger().add_lag(std::vector<Listed>{{user("b"), 0}})); // never lowers
  EXPECT_EQ(must(ledger().lagging(user("a"), 10)).at(0).lag_version, 15);
  must(ledger().add_lag({}));
}

TEST_P(LedgerContract, LagOfNobodyGoesOnTheWay) {
  must(ledger().add_lag(std::vector<Listed>{{user("nobody"), 5}}));
  EXPECT_TRUE(must(ledger().lagging(std::nullopt, 10)).empty());
  EXPECT_EQ(must(ledger().lag_count()), 0);
}

TEST_P(LedgerContract, LaggingComesInPagesInByteOrder) {
  const std::vector<std::string> in_order{"-", "A", "_", "a", "b"};
  for (int n = 0; n < 5; ++n)
    put(user(in_order[static_cast<std::size_t>(n)]), n, 10 + n);
  put(user("not-behind"), 9, 10);
  for (const auto& name : {"b", "-", "_", "a", "A"})
    must(ledger().add_lag(std::vector<Listed>{{user(name), 0}}));
  std::vector<std::string> seen;
  std::optional<UserId> after;
  for (auto page = must(ledger().lagging(after, 2)); !page.empty();
       page = must(ledger().lagging(after, 2))) {
    EXPECT_LE(page.size(), 2u);
    for (const auto& entry : page)
      seen.push_back(entry.row.user.text());
    after = page.back().row.user;
  }
  EXPECT_EQ(seen, in_order);
}

TEST_P(LedgerContract, PurgeTakesOnlyThisTombstoneAndRaisesTheFloor) {
  put(user("gone"), 1, 100);
  erase(user("gone"), 101);
  put(user("alive"), 2, 200);
  auto purge = [&](std::vector<Listed> which) {
    Writes writes;
    writes.purge = std::move(which);
    write(writes, {user("alive"), user("gone")});
    const auto opened = open(ledger(), {});
    ledger().rollback();
    return opened.floor;
  };
  EXPECT_EQ(purge({{user("gone"), 100}, {user("alive"), 200}}), 0); // another version; not deleted
  EXPECT_TRUE(read_one(user("gone")));
  EXPECT_TRUE(read_one(user("alive")));

  must(ledger().add_lag(std::vector<Listed>{{user("gone"), 0}}));
  EXPECT_EQ(purge({{user("gone"), 101}}), 101);
  EXPECT_FALSE(read_one(user("gone")));
  EXPECT_EQ(must(ledger().lag_count()), 0);

  put(user("low"), 3, 50);
  erase(user("low"), 51);
  Writes writes;
  writes.purge = {{user("low"), 51}};
  write(writes, {user("low")});
  const auto opened = open(ledger(), want(lane(0), {{user("gone"), cart_id(7)}}));
  ledger().rollback();
  EXPECT_EQ(opened.floor, 101);                      // never lowered
  EXPECT_EQ(opened.carts.at(0).cart.id, cart_id(7)); // a new life, a new id
}

TEST_P(LedgerContract, PurgedIdMariaIsNotGivenAgain) {
  put(user("gone"), 1, 100);
  erase(user("gone"), 101);
  const auto old = read_one(user("gone")).value().id_maria;
  Writes writes;
  writes.purge = {{user("gone"), 101}};
  write(writes, {user("gone")});
  put(user("other"), 2, 102);
  EXPECT_GT(read_one(user("other")).value().id_maria, old);
}

TEST_P(LedgerContract, PurgeableAreOldTombstonesWithoutLag) {
  const auto now = whole_seconds(must(ledger().ping()));
  auto made = [&](std::string_view name, bool exists, LedgerTime when) {
    change(user(name), static_cast<int>(name[0]), [&](CartRow& row) {
      row.cart.version = 10;
      row.cart.exists = exists;
      row.updated_at = row.created_at = when;
    });
  };
  made("alive", true, now - 48h);
  made("behind", false, now - 48h);
  made("old", false, now - 48h);
  made("recent", false, now - 1h);
  made("zero", false, now - 48h);
  change(user("zero"), 0,
         [](CartRow& row) { row.cart.version = 0; }); // an aborted first create, never written
  must(ledger().add_lag(std::vector<Listed>{{user("behind"), 0}}));

  auto found = names(must(ledger().purgeable(now - 24h, 10)));
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"old", "zero"}));
  EXPECT_EQ(must(ledger().purgeable(now - 24h, 1)).size(), 1u);
  EXPECT_TRUE(must(ledger().purgeable(now - 48h, 10)).empty()); // before, not at
}

TEST_P(LedgerContract, UntouchedAreOldExistingCarts) {
  const auto now = whole_seconds(must(ledger().ping()));
  auto made = [&](std::string_view name, bool exists, LedgerTime when) {
    change(user(name), static_cast<int>(name.size()), [&](CartRow& row) {
      row.cart.version = 10;
      row.cart.exists = exists;
      row.updated_at = row.created_at = when;
    });
  };
  made("deleted", false, now - 48h);
  made("old", true, now - 48h);
  made("older", true, now - 72h);
  made("recent", true, now);
  auto found = names(must(ledger().untouched(now - 24h, 10)));
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<std::string>{"old", "older"}));
  EXPECT_EQ(must(ledger().untouched(now - 24h, 1)).size(), 1u);
  EXPECT_EQ(names(must(ledger().untouched(now - 48h, 10))), std::vector<std::string>{"older"});
}

TEST_P(LedgerContract, DeadLanesAreOldRowsWithoutAToken) {
  const auto now = must(ledger().ping());
  write_row({lane(0), 1, {}, {}, {}, {}, now - 2min});
  write_row({lane(1), 1, {}, {}, {}, {}, now});
  write_row({lane(2), 1, token(1), now - 1min, {{user("u"), 5}}, {}, now - 2min});
  EXPECT_EQ(must(ledger().delete_dead_lanes(now - 1min)), 1);
  EXPECT_EQ(must(ledger().delete_dead_lanes(now - 1min)), 0);
  EXPECT_EQ(must(ledger().last_batch(lane(0))), std::nullopt);
  EXPECT_EQ(must(ledger().lanes()).size(), 2u);
}

TEST_P(LedgerContract, OldKeysArePurgedUpToTheLimit) {
  put(user("u"), 1, 10);
  Writes writes;
  for (std::uint8_t n = 0; n < 5; ++n)
    writes.keys.push_back(stored_key(user("u"), n, "x"));
  write(writes, {user("u")});
  const auto now = must(ledger().ping());
  EXPECT_EQ(must(ledger().purge_keys(now - 1h, 10)), 0);
  EXPECT_EQ(must(ledger().purge_keys(now + 1h, 3)), 3);
  EXPECT_EQ(must(ledger().purge_keys(now + 1h, 3)), 2);
  EXPECT_EQ(must(ledger().purge_keys(now + 1h, 3)), 0);
}

TEST_P(LedgerContract, ClockIsTheSameInPingAndOpen) {
  const auto before = must(ledger().ping());
  const auto opened = open(ledger(), want(lane(0), {}));
  ledger().rollback();
  const auto after = must(ledger().ping());
  EXPECT_LE(before, opened.now);
  EXPECT_LE(opened.now, after);
}

TEST_P(LedgerContract, ScanTellsTombstonesToo) {
  put(user("a"), 1, 10);
  put(user("b"), 2, 11);
  erase(user("b"), 12);
  const auto rows = must(ledger().scan(std::nullopt, 10));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows[0].cart.exists);
  EXPECT_FALSE(rows[1].cart.exists);
  EXPECT_EQ(rows[1].cart.version, 12);
  EXPECT_TRUE(must(ledger().scan(user("b"), 10)).empty());
}

} // namespace panier::contract
