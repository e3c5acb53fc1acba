// What every mirror promises (commit/ports/mirror.hpp), as one suite. An adapter's own .cpp
// includes this header and says how a fresh, empty mirror is made:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, MirrorContract, testing::Values(MirrorFactory{.fresh = ...}));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "commit/ports/mirror.hpp"
#include "suite_values.hpp"

namespace panier::contract {

using commit::IndexState;
using commit::Mirror;
using commit::MirrorDoc;
using commit::MirrorWrite;
using commit::Took;

// One mirror for one test: no documents. Outlives the clients made from it.
class MirrorUnderTest {
public:
  virtual ~MirrorUnderTest() = default;
  virtual commit::MirrorStore& store() = 0;
};

struct MirrorFactory {
  std::function<std::unique_ptr<MirrorUnderTest>()> fresh;
  // false: a stand-in whose guard is not one atomic step (FerretDB), so races between clients prove
  // nothing.
  bool atomic_guard = true;
  // false: a stand-in that ends a bulk at its first error (FerretDB), so that some verdicts are
  // unknown; none may be wrong.
  bool whole_bulks = true;
  std::chrono::milliseconds timeout = 5s; // of each call
  friend std::ostream& operator<<(std::ostream& out, const MirrorFactory& factory) {
    return out << (factory.atomic_guard ? "atomic guard" : "no atomic guard");
  }
};

class MirrorContract : public testing::TestWithParam<MirrorFactory> {
protected:
  MirrorContract() : under_test_(GetParam().fresh()), mirror_(connect()) {
    if (must(mirror_->ensure_index(true, timeout())) == IndexState::missing)
      throw std::runtime_error("the index is missing after it was built");
  }

  std::unique_ptr<Mirror> connect() { return under_test_->store().connect(); }
  Mirror& mirror() { return *mirror_; }
  static Mirror::Timeout timeout() { return GetParam().timeout; }

  static MirrorWrite doc(const UserId& who, int id, Version version,
                         std::vector<Line> lines = {line("a", 1000)}) {
    // Whole seconds and more: the mirror's own precision is milliseconds.
    const LedgerTime updated(std::chrono::milliseconds(1'764'000'000'123));
    return MirrorWrite{who, Cart{cart_id(id), version, true, std::move(lines)},
                       static_cast<std::uint32_t>(id + 1), token(static_cast<int>(version)),
                       updated};
  }

  static MirrorWrite deleted(const UserId& who, int id, Version version) {
    auto write = doc(who, id, version, {});
    write.cart.exists = false;
    return write;
  }

  Took write(const MirrorWrite& one) {
    const auto took = must(mirror().write(std::span(&one, 1), timeout()));
    return took.size() == 1 ? took[0] : throw std::runtime_error("not one verdict for one write");
  }

  std::optional<MirrorDoc> find(const UserId& who) {
    const auto docs = must(mirror().find(std::span(&who, 1), timeout()));
    if (docs.size() > 1) throw std::runtime_error("two documents of one user");
    return docs.empty() ? std::nullopt : std::optional(docs.front());
  }

  static void expect_holds(const std::optional<MirrorDoc>& doc, const MirrorWrite& write) {
    ASSERT_TRUE(doc);
    EXPECT_EQ(doc->user, write.user);
    EXPECT_EQ(doc->id, write.cart.id);
    EXPECT_EQ(doc->version, write.cart.version);
    EXPECT_EQ(doc->token, write.token);
    EXPECT_EQ(doc->id_maria, write.id_maria);
    EXPECT_EQ(doc->exists, write.cart.exists);
    EXPECT_TRUE(doc->readable);
    EXPECT_EQ(doc->lines, write.cart.lines);
  }

  std::vector<std::string> scan_all(int limit) {
    std::vector<std::string> seen;
    std::optional<UserId> after;
    do {
      const auto page = must(mirror().scan(after, limit, timeout()));
      EXPECT_LE(page.docs.size(), static_cast<std::size_t>(limit));
      EXPECT_EQ(page.unreadable, 0);
      for (const auto& found : page.docs)
        seen.push_back(found.user.text());
      after = page.next;
    } while (after && seen.size() < 1000);
    return seen;
  }

private:
  std::unique_ptr<MirrorUnderTest> under_test_;
  std::unique_ptr<Mirror> mirror_; // after under_test_: goes first
};

TEST_P(MirrorContract, PingIsAnswered) {
  must(mirror().ping(timeout()));
}

TEST_P(MirrorContract, IndexIsPresentOnceBuilt) {
  EXPECT_EQ(must(mirror().ensure_index(false, timeout())), IndexState::present);
  EXPECT_EQ(must(mirror().ensure_index(true, timeout())), IndexState::present);
}

TEST_P(MirrorContract, NewDocumentIsHeld) {
  const auto wanted = doc(user("u"), 1, 10, telling_lines(16));
  EXPECT_EQ(write(wanted), Took::held);
  expect_holds(find(user("u")), wanted);
  EXPECT_FALSE(find(user("U")));
}

TEST_P(MirrorContract, HigherVersionIsHeldAndKeepsTheId) {
  write(doc(user("u"), 1, 10));
  auto next = doc(user("u"), 2, 11, {line("b", 2500), line("a", 1)});
  EXPECT_EQ(write(next), Took::held);
  next.cart.id = cart_id(1); // set on insert only
  expect_holds(find(user("u")), next);
}

TEST_P(MirrorContract, EqualAndLowerVersionsAreRefusedAndFindTellsWho) {
  const auto held = doc(user("u"), 1, 10, {line("x", 7000)});
  write(held);
  auto equal = doc(user("u"), 1, 10, {line("y", 1)});
  equal.token = token(999);
  EXPECT_EQ(write(equal), Took::refused);
  EXPECT_EQ(write(doc(user("u"), 1, 9, {})), Took::refused);
  EXPECT_EQ(write(deleted(user("u"), 1, 10)), Took::refused);
  EXPECT_EQ(write(held), Took::refused); // a copied packet: the same again
  expect_holds(find(user("u")), held);
}

TEST_P(MirrorContract, DeletedDocumentIsKeptAndRevives) {
  write(doc(user("u"), 1, 10));
  const auto gone = deleted(user("u"), 1, 11);
  EXPECT_EQ(write(gone), Took::held);
  expect_holds(find(user("u")), gone);
  EXPECT_EQ(write(doc(user("u"), 1, 10)), Took::refused); // a late packet of before
  const auto back = doc(user("u"), 1, 12);
  EXPECT_EQ(write(back), Took::held);
  expect_holds(find(user("u")), back);
}

TEST_P(MirrorContract, DeletedDocumentMayBeTheFirst) {
  const auto gone = deleted(user("u"), 1, 11);
  EXPECT_EQ(write(gone), Took::held);
  expect_holds(find(user("u")), gone);
}

TEST_P(MirrorContract, EmptyCartIsNotDeleted) {
  const auto empty = doc(user("u"), 1, 10, {});
  EXPECT_EQ(write(empty), Took::held);
  expect_holds(find(user("u")), empty);
}

TEST_P(MirrorContract, TakenIdIsRefused) {
  write(doc(user("a"), 1, 10));
  EXPECT_EQ(write(doc(user("b"), 1, 10)), Took::refused);
  EXPECT_FALSE(find(user("b")));
}

TEST_P(MirrorContract, LargeVersionsAreExact) {
  const Version past_doubles = 9'007'199'254'740'993;
  write(doc(user("u"), 1, past_doubles));
  EXPECT_EQ(find(user("u")).value().version, past_doubles);
  EXPECT_EQ(write(doc(user("u"), 1, past_doubles)), Took::refused);
  EXPECT_EQ(write(doc(user("u"), 1, past_doubles + 1)), Took::held);
  EXPECT_EQ(find(user("u")).value().version, past_doubles + 1);
}

TEST_P(MirrorContract, QuantitiesAreExactToTheThousandth) {
  std::vector<MirrorWrite> writes;
  for (int n = 0; n < 10; ++n)
    writes.push_back(doc(numbered(n), n, 10, telling_lines(200, n * 97'531)));
  EXPECT_EQ(must(mirror().write(writes, timeout())), std::vector<Took>(10, Took::held));
  for (int n = 0; n < 10; ++n)
    expect_holds(find(numbered(n)), writes[static_cast<std::size_t>(n)]);
}

TEST_P(MirrorContract, LongestIdsAndMostLinesFit) {
  std::vector<Line> lines;
  for (int i = 0; i < 200; ++i)
    lines.push_back(line(numbered(i).text() + std::string(60, '@'), Quantity::thousandths_max - i));
  const auto wanted = doc(user(std::string(64, 'U')), 1, 10, lines);
  EXPECT_EQ(write(wanted), Took::held);
  expect_holds(find(wanted.user), wanted);
}

TEST_P(MirrorContract, MixedBulkHasOneVerdictPerWriteInOrder) {
  constexpr int bulk_max = 128;
  std::vector<MirrorWrite> before, bulk;
  std::vector<Took> expected;
  for (int n = 0; n < bulk_max; ++n) {
    const int kind = n % 4; // new, newer, equal, older
    if (kind != 0) before.push_back(doc(numbered(n), n, 100));
    bulk.push_back(doc(numbered(n), n,
                       kind == 1   ? 101
                       : kind == 3 ? 99
                                   : 100,
                       {line("new", 1000 + n)}));
    bulk.back().token = token(5000 + n);
    expected.push_back(kind < 2 ? Took::held : Took::refused);
  }
  EXPECT_EQ(must(mirror().write(before, timeout())), std::vector<Took>(before.size(), Took::held));
  const auto took = must(mirror().write(bulk, timeout()));
  if (!GetParam().whole_bulks) {
    EXPECT_EQ(took, std::vector<Took>(bulk_max, Took::unknown));
    return;
  }
  EXPECT_EQ(took, expected);
  for (int n = 0; n < bulk_max; ++n) {
    const auto& sent = bulk[static_cast<std::size_t>(n)];
    const auto found = find(sent.user).value();
    const bool held = expected[static_cast<std::size_t>(n)] == Took::held;
    EXPECT_EQ(found.token == sent.token, held) << n;
    EXPECT_EQ(found.version, held ? sent.cart.version : 100) << n;
  }
}

TEST_P(MirrorContract, EmptyBulkAndEmptyFindAreFine) {
  EXPECT_TRUE(must(mirror().write({}, timeout())).empty());
  EXPECT_TRUE(must(mirror().find({}, timeout())).empty());
}

TEST_P(MirrorContract, FindTakes512Users) {
  std::vector<MirrorWrite> writes;
  for (int n = 0; n < 100; ++n)
    writes.push_back(doc(numbered(5 * n), n, 10));
  must(mirror().write(writes, timeout()));
  std::vector<UserId> users;
  for (int n = 0; n < 512; ++n)
    users.push_back(numbered(n));
  auto docs = must(mirror().find(users, timeout()));
  ASSERT_EQ(docs.size(), 100u); // of 500 with a number below 500, every fifth
  std::ranges::sort(docs, {}, &MirrorDoc::user);
  for (std::size_t n = 0; n < 100; ++n)
    EXPECT_EQ(docs[n].user, writes[n].user);
}

TEST_P(MirrorContract, PurgeTakesExactlyThisVersion) {
  write(deleted(user("u"), 1, 10));
  EXPECT_FALSE(must(mirror().purge(user("u"), 9, timeout())));
  EXPECT_FALSE(must(mirror().purge(user("u"), 11, timeout())));
  EXPECT_TRUE(find(user("u")));
  EXPECT_TRUE(must(mirror().purge(user("u"), 10, timeout())));
  EXPECT_FALSE(find(user("u")));
  EXPECT_TRUE(must(mirror().purge(user("u"), 10, timeout()))); // was not there: gone all the same
  EXPECT_EQ(write(doc(user("u"), 2, 11)), Took::held);
  EXPECT_EQ(find(user("u")).value().id, cart_id(2)); // a new life, a new id
}

TEST_P(MirrorContract, RemoveTakesOneDocumentByItsId) {
  write(doc(user("a"), 1, 10));
  write(doc(user("b"), 2, 10));
  must(mirror().remove(cart_id(1), timeout()));
  EXPECT_FALSE(find(user("a")));
  EXPECT_TRUE(find(user("b")));
  must(mirror().remove(cart_id(1), timeout())); // not there: fine
}

TEST_P(MirrorContract, WhatStandsInACartsWayGoesAndTheCartsOwnDocumentStays) {
  write(doc(user("a"), 1, 10));
  write(doc(user("b"), 2, 10));
  write(doc(user("c"), 3, 10));
  must(mirror().clear_way(user("c"), cart_id(3), timeout())); // its own
  EXPECT_TRUE(find(user("a")) && find(user("b")) && find(user("c")));
  must(mirror().clear_way(user("a"), cart_id(9), timeout())); // a's under another id
  EXPECT_FALSE(find(user("a")));
  must(mirror().clear_way(user("z"), cart_id(2), timeout())); // z's id, but b's
  EXPECT_FALSE(find(user("b")));
  EXPECT_TRUE(find(user("c")));
  EXPECT_EQ(write(doc(user("a"), 9, 10)), Took::held);
  EXPECT_EQ(write(doc(user("z"), 2, 10)), Took::held);
}

TEST_P(MirrorContract, ScanPagesInByteOrder) {
  const std::vector<std::string> in_order{"-a", ".a", "0a", ":a", "@a",  "AB",
                                          "Ab", "_a", "aB", "ab", "ab-", "ab."};
  std::vector<MirrorWrite> writes;
  for (int n = static_cast<int>(in_order.size()) - 1; n >= 0; --n)
    writes.push_back(doc(user(in_order[static_cast<std::size_t>(n)]), n, 10));
  must(mirror().write(writes, timeout()));
  for (const int limit : {1, 3, 4, 12, 100})
    EXPECT_EQ(scan_all(limit), in_order) << limit;
  const auto page = must(mirror().scan(user("aB"), 2, timeout()));
  ASSERT_EQ(page.docs.size(), 2u);
  expect_holds(page.docs[0], writes[2]); // "ab": what find() tells, scan() tells
}

TEST_P(MirrorContract, ScanOfNothingEndsAtOnce) {
  const auto page = must(mirror().scan(std::nullopt, 10, timeout()));
  EXPECT_TRUE(page.docs.empty());
  EXPECT_FALSE(page.next);
}

TEST_P(MirrorContract, RacingClientsHoldEachVersionOnce) {
  if (!GetParam().atomic_guard) GTEST_SKIP() << "this stand-in's guard is not one atomic step";
  constexpr int users = 16, clients = 3, versions = 4;
  std::atomic<int> held[users][versions] = {};
  {
    std::vector<std::jthread> threads;
    for (int client = 0; client < clients; ++client)
      threads.emplace_back([&, client] {
        const auto mine = connect();
        for (int version = 0; version < versions; ++version) {
          std::vector<MirrorWrite>
              bulk; // the same new users for all, each client with its own ids and token
          for (int n = 0; n < users; ++n) {
            bulk.push_back(doc(numbered(n), 100 * client + n, 10 + version));
            bulk.back().token = token(client);
          }
          const auto took = mine->write(bulk, timeout());
          if (!took) {
            ADD_FAILURE() << took.error().detail;
            return;
          }
          for (std::size_t n = 0; n < users; ++n)
            if ((*took)[n] == Took::held) ++held[n][version];
        }
      });
  }
  for (int n = 0; n < users; ++n) {
    for (int version = 0; version < versions; ++version)
      EXPECT_LE(held[n][version], 1) << n << ' ' << version;
    EXPECT_EQ(held[n][versions - 1], 1) << n; // nothing is above the last one
    EXPECT_EQ(find(numbered(n)).value().version, 10 + versions - 1);
  }
}

TEST_P(MirrorContract, AnotherClientSeesWhatIsHeld) {
  const auto wanted = doc(user("u"), 1, 10);
  write(wanted);
  const auto other = connect();
  const auto docs = must(other->find(std::vector{user("u")}, timeout()));
  ASSERT_EQ(docs.size(), 1u);
  expect_holds(docs[0], wanted);
}

} // namespace panier::contract
