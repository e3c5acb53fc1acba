// Part of ledger_suite.hpp: cart rows, tombstones, ids, versions, quantities, idempotency keys.
#pragma once

#include <algorithm>
#include <set>

#include "ledger_suite.hpp"

namespace panier::contract {

TEST_P(LedgerContract, UnknownUserStaysUnknownWithoutAFreshId) {
  const auto opened = open(ledger(), want(lane(0), {{user("u"), std::nullopt}}));
  EXPECT_TRUE(opened.carts.empty());
  EXPECT_TRUE(opened.skipped.empty());
  ledger().rollback();
  EXPECT_FALSE(read_one(user("u")));
}

TEST_P(LedgerContract, FreshIdMakesATombstoneOfVersionZero) {
  const auto opened = open(ledger(), want(std::nullopt, {{user("u"), cart_id(1)}}));
  ASSERT_EQ(opened.carts.size(), 1u);
  EXPECT_EQ(opened.carts[0].user, user("u"));
  EXPECT_EQ(opened.carts[0].cart, (Cart{cart_id(1), 0, false, {}}));
  EXPECT_EQ(opened.carts[0].token, Token{});
  EXPECT_GT(opened.carts[0].id_maria, 0u);
  must(ledger().commit({}));
  const auto row = read_one(user("u"));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cart, (Cart{cart_id(1), 0, false, {}}));
  EXPECT_EQ(row->id_maria, opened.carts[0].id_maria);
}

TEST_P(LedgerContract, KnownUserKeepsItsIdWhateverIsFresh) {
  put(user("u"), 1, 10);
  const auto opened = open(ledger(), want(lane(0), {{user("u"), cart_id(2)}}));
  ledger().rollback();
  EXPECT_EQ(opened.carts.at(0).cart.id, cart_id(1));
  EXPECT_EQ(opened.carts.at(0).cart.version, 10);
}

TEST_P(LedgerContract, MixedWantedComeBackInByteOrder) {
  put(user("b"), 1, 10);
  const auto opened = open(ledger(), want(lane(0), {{user("A"), cart_id(2)},
                                                    {user("_"), cart_id(3)},
                                                    {user("a"), std::nullopt},
                                                    {user("b"), std::nullopt},
                                                    {user("c"), cart_id(4)}}));
  ledger().rollback();
  EXPECT_EQ(names(opened.carts), (std::vector<std::string>{"A", "_", "b", "c"}));
  EXPECT_TRUE(opened.skipped.empty());
}

TEST_P(LedgerContract, WrittenCartIsWhatIsRead) {
  const auto lines = telling_lines(16);
  put(user("u"), 1, 9'007'199'254'740'993, lines);
  const auto row = read_one(user("u"));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->cart, (Cart{cart_id(1), 9'007'199'254'740'993, true, lines}));
  EXPECT_EQ(row->token, token(static_cast<int>(9'007'199'254'740'993)));
  const auto opened = open(ledger(), want(lane(0), {{user("u"), std::nullopt}}));
  ledger().rollback();
  EXPECT_EQ(opened.carts.at(0).cart, row->cart);
  EXPECT_EQ(opened.carts.at(0).token, row->token);
  EXPECT_EQ(opened.carts.at(0).id_maria, row->id_maria);
  EXPECT_EQ(opened.carts.at(0).updated_at, row->updated_at);
}

TEST_P(LedgerContract, QuantitiesAreExactToTheThousandth) {
  for (int n = 0; n < 10; ++n) {
    const auto lines = telling_lines(200, n * 97'531);
    put(numbered(n), n, 10, lines);
    EXPECT_EQ(read_one(numbered(n)).value().cart.lines, lines);
  }
}

TEST_P(LedgerContract, LongestIdsAndMostLinesFit) {
  const auto who = user(std::string(64, 'U'));
  std::vector<Line> lines;
  for (int i = 0; i < 200; ++i)
    lines.push_back(line(numbered(i).text() + std::string(60, '@'), Quantity::thousandths_max - i));
  put(who, 1, 10, lines);
  EXPECT_EQ(read_one(who).value().cart.lines, lines);
  EXPECT_EQ(read_one(who).value().user, who);
}

TEST_P(LedgerContract, CaseAndPunctuationMakeDifferentUsers) {
  const std::vector<std::string> in_order{"-a", ".a", "0a", ":a", "@a",  "AB",
                                          "Ab", "_a", "aB", "ab", "ab-", "ab."};
  for (int n = static_cast<int>(in_order.size()) - 1; n >= 0; --n)
    put(user(in_order[static_cast<std::size_t>(n)]), n, 100 + n);
  EXPECT_EQ(names(must(ledger().scan(std::nullopt, 100))), in_order);
  EXPECT_EQ(read_one(user("AB")).value().cart.version, 105);
  EXPECT_EQ(read_one(user("ab")).value().cart.version, 109);

  std::vector<std::string> paged;
  std::optional<UserId> after;
  for (auto page = must(ledger().scan(after, 5)); !page.empty();
       page = must(ledger().scan(after, 5))) {
    EXPECT_LE(page.size(), 5u);
    for (const auto& row : page)
      paged.push_back(row.user.text());
    after = page.back().user;
  }
  EXPECT_EQ(paged, in_order);
}

TEST_P(LedgerContract, FullBatchIsOneTransaction) {
  constexpr int carts_max = 128;
  OpenRequest request = want(lane(0), {});
  for (int n = 0; n < carts_max; ++n)
    request.wanted.push_back({numbered(n), cart_id(n)});
  const auto opened = open(ledger(), request);
  ASSERT_EQ(opened.carts.size(), static_cast<std::size_t>(carts_max));
  Writes writes;
  writes.carts = opened.carts;
  std::set<std::uint32_t> ids;
  for (auto& row : writes.carts) {
    ids.insert(row.id_maria);
    row.cart.exists = true;
    row.cart.version = 77;
    row.cart.lines = {line("a", row.id_maria)};
    writes.lag.push_back({row.user, 77});
  }
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(carts_max));
  writes.row = LaneRow{lane(0), 1, {}, {}, {}, {}, opened.now};
  must(ledger().commit(writes));
  EXPECT_EQ(must(ledger().lag_count()), carts_max);
  for (const auto& row : must(ledger().scan(std::nullopt, 1000)))
    EXPECT_EQ(row.cart.lines, std::vector{line("a", row.id_maria)});
}

TEST_P(LedgerContract, ReadTakes512Users) {
  constexpr int known = 130, asked = 512;
  for (int from = 0; from < known; from += 65) {
    OpenRequest request;
    for (int n = from; n < from + 65; ++n)
      request.wanted.push_back({numbered(n), cart_id(n)});
    (void)open(ledger(), request);
    must(ledger().commit({}));
  }
  std::vector<UserId> users;
  for (int n = 0; n < asked; ++n)
    users.push_back(numbered(n));
  auto rows = must(ledger().read(users));
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(known));
  std::ranges::sort(rows, {}, &CartRow::user);
  for (int n = 0; n < known; ++n)
    EXPECT_EQ(rows[static_cast<std::size_t>(n)].cart.id, cart_id(n));
  EXPECT_EQ(must(ledger().read(std::span(users).first(1))).size(), 1u); // and any other count
  EXPECT_EQ(must(ledger().read(std::span(users).first(3))).size(), 3u);
  EXPECT_TRUE(must(ledger().read({})).empty());
}

TEST_P(LedgerContract, DeletedCartStaysAsATombstoneAndRevivesWithItsIds) {
  put(user("u"), 1, 10, {line("x", 2000)});
  const auto before = read_one(user("u")).value();
  erase(user("u"), 11);
  const auto gone = read_one(user("u")).value();
  EXPECT_EQ(gone.cart, (Cart{cart_id(1), 11, false, {}}));
  EXPECT_EQ(gone.id_maria, before.id_maria);
  put(user("u"), 2, 12);
  const auto back = read_one(user("u")).value();
  EXPECT_EQ(back.cart, (Cart{cart_id(1), 12, true, {line("a", 1000)}}));
  EXPECT_EQ(back.id_maria, before.id_maria);
}

TEST_P(LedgerContract, EmptyCartIsNoTombstone) {
  put(user("u"), 1, 10, {});
  EXPECT_EQ(read_one(user("u")).value().cart, (Cart{cart_id(1), 10, true, {}}));
}

TEST_P(LedgerContract, TimesAreTheWritersAndCreationChangesOnlyOnRevival) {
  const auto day = whole_seconds(must(ledger().ping())) - 24h;
  auto write_at = [&](LedgerTime time, bool exists, Version version) {
    change(user("u"), 1, [&](CartRow& row) {
      row.cart.exists = exists;
      row.cart.version = version;
      row.cart.lines.clear();
      row.created_at = row.updated_at = time;
    });
    return read_one(user("u")).value();
  };
  auto row = write_at(day, true, 10); // made: the tombstone comes to life
  EXPECT_EQ(row.created_at, day);
  EXPECT_EQ(row.updated_at, day);
  row = write_at(day + 1h, true, 11);
  EXPECT_EQ(row.created_at, day);
  EXPECT_EQ(row.updated_at, day + 1h);
  row = write_at(day + 2h, false, 12);
  EXPECT_EQ(row.created_at, day);
  EXPECT_EQ(row.updated_at, day + 2h); // when it was deleted
  row = write_at(day + 3h, true, 13);
  EXPECT_EQ(row.created_at, day + 3h);
  EXPECT_EQ(row.updated_at, day + 3h);
}

TEST_P(LedgerContract, KeysAreReadBackPerUserAndNeverOverwritten) {
  put(user("u"), 1, 10);
  put(user("v"), 2, 10);
  Writes writes;
  writes.keys = {stored_key(user("u"), 1, "first"), stored_key(user("v"), 1, "of v"),
                 stored_key(user("u"), 2, std::string(200, '~'))};
  write(writes, {user("u"), user("v")});
  Writes again;
  again.keys = {stored_key(user("u"), 1, "second"), stored_key(user("u"), 3, "third")};
  again.keys[0].fingerprint.fill(99);
  write(again, {user("u")});

  OpenRequest request = want(lane(0), {{user("u"), std::nullopt}});
  request.keys = {key_ref(user("u"), 1), key_ref(user("u"), 2), key_ref(user("u"), 3),
                  key_ref(user("u"), 4), key_ref(user("v"), 1)};
  auto opened = open(ledger(), request);
  ledger().rollback();
  ASSERT_EQ(opened.keys.size(), 4u);
  std::ranges::sort(opened.keys, {}, &StoredKey::ref);
  const std::vector<std::string> answers{"first", std::string(200, '~'), "third", "of v"};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(opened.keys[i].answer, answers[i]);
    EXPECT_EQ(opened.keys[i].fingerprint[31], opened.keys[i].ref.key[0] + 1); // of the first writer
  }
}

TEST_P(LedgerContract, KeysOfAFullBatchAreLookedUp) {
  constexpr int operations_max = 1024;
  put(user("u"), 1, 10);
  Writes writes;
  writes.keys = {stored_key(user("u"), 200, "x")};
  write(writes, {user("u")});
  OpenRequest request = want(lane(0), {{user("u"), std::nullopt}});
  for (int n = 0; n < operations_max; ++n) {
    auto ref = key_ref(user("u"), static_cast<std::uint8_t>(n));
    ref.key[1] = static_cast<std::uint8_t>(n >> 8);
    request.keys.push_back(ref);
  }
  request.keys.push_back(key_ref(user("u"), 200));
  EXPECT_EQ(open(ledger(), request).keys.size(), 1u);
  ledger().rollback();
}

TEST_P(LedgerContract, KeysRolledBackAreNotThere) {
  put(user("u"), 1, 10);
  (void)open(ledger(), want(std::nullopt, {{user("u"), std::nullopt}}));
  ledger().rollback();
  Writes writes;
  writes.keys = {stored_key(user("u"), 1, "x")};
  EXPECT_FALSE(ledger().commit(writes));
  OpenRequest request;
  request.keys = {key_ref(user("u"), 1)};
  EXPECT_TRUE(open(ledger(), request).keys.empty());
  ledger().rollback();
}

} // namespace panier::contract
