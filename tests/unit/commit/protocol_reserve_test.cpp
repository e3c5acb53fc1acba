// Reserve: folds, keys, parking, versions, bounds.
#include <set>

#include "bench.hpp"

namespace panier::commit::test {
namespace {

TEST_F(ProtocolTest, AFoldGivesEachOperationItsOwnVersionAndQuantity) {
  const std::vector<Asked> adds{ask_add("u", "a", 1), ask_add("u", "a", 1), ask_add("u", "a", 1)};
  const auto reserved = round(opened({row("u", 5)}), adds);
  ASSERT_EQ(reserved.writes.row->reserved.size(), 1U) << "one cart, one reservation";
  mirror_holds();
  round(opened({row("u", 5)}), {});
  std::set<Version> versions;
  std::set<std::int64_t> quantities;
  for (const auto& add : adds) {
    versions.insert(add.answer()->outcome.version);
    quantities.insert(add.answer()->outcome.quantity.thousandths());
  }
  EXPECT_EQ(versions.size(), 3U);
  EXPECT_EQ(quantities, (std::set<std::int64_t>{1000, 2000, 3000}));
  EXPECT_EQ(reserved.writes.row->reserved[0].version, *versions.rbegin());
}

TEST_F(ProtocolTest, ARefusalInAFoldWaitsForTheSettleBecauseItRestsOnAStateThatMayBeAborted) {
  const auto create = ask_plain(OperationKind::create, "u");
  const auto again =
      ask_plain(OperationKind::create, "u"); // "exists already": true only if the first one holds
  round(opened({row("u", 0, {}, false)}), {create, again});
  EXPECT_FALSE(again.answered());
  mirror_says(Took::failed);
  round(opened({row("u", 0, {}, false)}), {});
  EXPECT_FALSE(again.answer().has_value());
}

TEST_F(ProtocolTest, ANoOpIsAnsweredAtCommitAndItsKeyWrittenAtOnce) {
  const auto erase = ask_plain(OperationKind::erase, "u", key(1));
  const auto done = round(opened({row("u", 5, {}, false)}), {erase});
  ASSERT_TRUE(erase.answered());
  EXPECT_FALSE(erase.answer()->outcome.existed);
  EXPECT_EQ(done.writes.keys.size(), 1U);
  EXPECT_FALSE(protocol_.outstanding());
}

TEST_F(ProtocolTest, ANoOpClaimsTheMirrorOnlyWhereItIsKnownToHoldTheCart) {
  const auto claims = [this](const Opened& seen) {
    const auto erase = ask_plain(OperationKind::erase, "u");
    round(seen, {erase});
    return erase.answer()->mirrored;
  };
  auto seen = opened({row("u", 5, {}, false)});
  EXPECT_TRUE(claims(seen));
  LaneRow other{.key = {"another", 0}, .token = Token{}};
  other.in_flight = {{user("v"), 5}};
  seen.others = {other};
  EXPECT_TRUE(claims(seen)) << "another cart";
  other.in_flight.push_back({user("u"), 5});
  seen.others = {other};
  EXPECT_FALSE(claims(seen)) << "the mirror is being told, or nobody knows";
  seen.others.clear();
  seen.lagging = {user("v")};
  EXPECT_TRUE(claims(seen)) << "another cart";
  seen.lagging.push_back(user("u"));
  EXPECT_FALSE(claims(seen)) << "the mirror is known to be behind";
}

TEST_F(ProtocolTest, ANoOpOnACartThatTheMirrorHasJustRefusedClaimsNoMore) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 1)}, Policy::available);
  mirror_says(Took::failed);
  const auto empty = ask_plain(OperationKind::empty, "u");
  const auto next = round(opened({row("u", now_ms)}), {empty}, Policy::available);
  ASSERT_EQ(next.writes.lag.size(), 1U);
  EXPECT_FALSE(empty.answer()->mirrored);
}

TEST_F(ProtocolTest, ACartAtTheGreatestVersionIsChangedNoMore) {
  const auto add = ask_add("u", "a", 1);
  const auto seen = round(opened({row("u", std::numeric_limits<Version>::max())}), {add});
  EXPECT_EQ(add.answer().error().code, Errc::internal);
  EXPECT_FALSE(seen.writes.row->token);
}

TEST_F(ProtocolTest, ANoOpBehindAChangeThatTheMirrorIsYetToTakeClaimsNoMore) {
  const auto to_one = [] {
    return ask({.kind = OperationKind::edit,
                .user = user("u"),
                .line = article("a"),
                .quantity = Quantity::of(1),
                .if_match = {}},
               {});
  };
  const auto edit = to_one();
  const auto again = to_one();
  round(opened({row("u", 5, {{article("a"), Quantity::of(2)}})}), {edit, again}, Policy::available);
  ASSERT_TRUE(again.answer());
  EXPECT_EQ(again.answer()->outcome.version, edit.answer()->outcome.version) << "no effect";
  EXPECT_FALSE(edit.answer()->mirrored);
  EXPECT_FALSE(again.answer()->mirrored);
}

TEST_F(ProtocolTest, KeysOfEffectsAreWrittenWhenSettledAndOfSuccessesOnly) {
  const auto add = ask_add("u", "a", 2, key(1));
  const auto bad = ask_add("u", "a", 2'000'000, key(2));
  const auto reserved = round(opened({row("u", 5)}), {add, bad});
  EXPECT_TRUE(reserved.writes.keys.empty());
  mirror_holds();
  const auto settled = round(opened({row("u", 5)}), {});
  ASSERT_EQ(settled.writes.keys.size(), 1U);
  EXPECT_EQ(settled.writes.keys[0].ref.key, key(1).key);
}

TEST_F(ProtocolTest, AKnownKeyGivesTheFirstAnswerAndDoesNothing) {
  const Receipt first{{.kind = OperationKind::add,
                       .id = {},
                       .version = 42,
                       .quantity = Quantity::of(9),
                       .existed = true,
                       .changed = true},
                      true};
  auto seen = opened({row("u", 50)});
  seen.keys.push_back({{user("u"), key(1).key}, key(1).fingerprint, encode(first)});
  const auto retry = ask_add("u", "a", 2, key(1));
  round(seen, {retry});
  ASSERT_TRUE(retry.answered());
  EXPECT_EQ(retry.answer()->outcome.version, 42);
  EXPECT_FALSE(protocol_.outstanding());
}

TEST_F(ProtocolTest, AKnownKeyWithAnotherRequestIsRefused) {
  auto seen = opened({row("u", 50)});
  seen.keys.push_back({{user("u"), key(1).key}, key(1, 1).fingerprint, encode(Receipt{})});
  const auto other = ask_add("u", "a", 2, key(1, 2));
  round(seen, {other});
  EXPECT_EQ(other.answer().error().code, Errc::idempotency_key_reused);
}

TEST_F(ProtocolTest, TwoWithOneKeyInAFoldShareAnAnswer) {
  const auto one = ask_add("u", "a", 2, key(1));
  const auto two = ask_add("u", "a", 2, key(1));
  round(opened({row("u", 5)}), {one, two});
  mirror_holds();
  const auto settled = round(opened({row("u", 5)}), {});
  EXPECT_EQ(*one.answer(), *two.answer());
  EXPECT_EQ(one.answer()->outcome.quantity, Quantity::of(2));
  EXPECT_EQ(settled.writes.keys.size(), 1U);
}

TEST_F(ProtocolTest, AKeySettledInThisVeryTransactionIsKnown) {
  const auto first = ask_add("u", "a", 2, key(1));
  round(opened({row("u", 5)}), {first});
  mirror_holds();
  const auto retry = ask_add("u", "a", 2, key(1)); // the client did not wait
  round(opened({row("u", 5)}), {retry});
  ASSERT_TRUE(retry.answered());
  EXPECT_EQ(*retry.answer(), *first.answer());
  EXPECT_FALSE(protocol_.outstanding());
}

TEST_F(ProtocolTest, ACartInAnotherLanesReservedListIsParkedAndTheOthersGoOn) {
  auto seen = opened({row("u", 5), row("v", 5)});
  seen.others.push_back(
      {.key = {"other", 0}, .token = Token(Token::Bytes{1}), .reserved = {{user("u"), 9}}});
  const auto parked = ask_add("u", "a", 1);
  const auto goes = ask_add("v", "a", 1);
  const auto decided = round(seen, {parked, goes});
  ASSERT_EQ(decided.parked.size(), 1U);
  EXPECT_EQ(decided.parked[0], parked.write);
  EXPECT_EQ(decided.writes.row->reserved.size(), 1U);
}

TEST_F(ProtocolTest, AnotherLanesInFlightListParksNothing) {
  auto seen = opened({row("u", 5)});
  seen.others.push_back(
      {.key = {"other", 0}, .token = Token(Token::Bytes{1}), .in_flight = {{user("u"), 5}}});
  EXPECT_TRUE(round(seen, {ask_add("u", "a", 1)}).parked.empty());
}

TEST_F(ProtocolTest, ASkippedCartIsParked) {
  auto seen = opened({});
  seen.skipped = {user("u")};
  EXPECT_EQ(round(seen, {ask_add("u", "a", 1)}).parked.size(), 1U);
}

TEST_F(ProtocolTest, VersionsStandAboveTheFloorTheVisibleOneAndTheClock) {
  auto behind = opened({row("u", now_ms + 50)}); // the clock was set back
  EXPECT_EQ(round(behind, {ask_add("u", "a", 1)}).writes.row->reserved[0].version, now_ms + 51);
  auto floored = opened({row("v", 0, {}, false)});
  floored.floor = now_ms + 90;
  EXPECT_EQ(round(floored, {ask_add("v", "a", 1)}).reserved.back().next.cart.version, now_ms + 91);
}

TEST_F(ProtocolTest, AnIdIsKeptByDeletionAndRevival) {
  auto tombstone = row("u", 5, {}, false);
  tombstone.cart.id = CartId(CartId::Bytes{1, 2, 3});
  const auto reserved = round(opened({tombstone}), {ask_plain(OperationKind::create, "u")});
  EXPECT_EQ(reserved.reserved.at(0).next.cart.id, tombstone.cart.id);
}

TEST_F(ProtocolTest, OnlyWhatMakesACartOrCarriesAKeyAsksForATombstone) {
  const std::vector<Asked> asked{ask_add("a", "x", 1), ask_plain(OperationKind::erase, "b"),
                                 ask_plain(OperationKind::erase, "c", key(1)),
                                 ask_add("d", "x", -1)};
  std::vector<PendingWritePtr> writes;
  for (const auto& one : asked)
    writes.push_back(one.write);
  const auto request = protocol_.open_request(writes);
  ASSERT_EQ(request.wanted.size(), 4U);
  EXPECT_TRUE(request.wanted[0].fresh_id);
  EXPECT_FALSE(request.wanted[1].fresh_id);
  EXPECT_TRUE(request.wanted[2].fresh_id);
  EXPECT_FALSE(request.wanted[3].fresh_id);
  EXPECT_EQ(request.keys.size(), 1U);
}

TEST_F(ProtocolTest, AnUnknownUserIsAnAbsentCart) {
  const auto remove = ask({.kind = OperationKind::remove,
                           .user = user("u"),
                           .line = article("a"),
                           .quantity = {},
                           .if_match = {}});
  round(opened({}), {remove});
  EXPECT_EQ(remove.answer().error().code, Errc::cart_not_found);
}

TEST_F(ProtocolTest, ACartThatCannotBeReadFailsAloneAndTheOthersGoOn) {
  auto broken = row("u", 5);
  broken.unreadable = "[{";
  const auto bad = ask_add("u", "a", 1);
  const auto good = ask_add("v", "a", 1);
  const auto decided = round(opened({broken, row("v", 5)}), {bad, good});
  EXPECT_EQ(bad.answer().error().code, Errc::internal);
  ASSERT_EQ(decided.reserved.size(), 1U);
  EXPECT_EQ(decided.reserved[0].next.user, user("v"));
}

TEST_F(ProtocolTest, AnAbortKeepsWhatAHumanMayStillMend) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 1)});
  mirror_says(Took::failed);
  auto broken = row("u", 5);
  broken.unreadable = "[{";
  EXPECT_EQ(round(opened({broken}), {}).writes.carts.at(0).unreadable, "[{");
}

TEST_F(ProtocolTest, CartsToSettleAreLockedWithTheNewOnesInUserOrder) {
  round(opened({row("m", 5)}), {ask_add("m", "a", 1)});
  mirror_holds();
  const auto z = ask_add("z", "a", 1);
  const auto b = ask_add("b", "a", 1);
  const auto request = protocol_.open_request(std::vector{z.write, b.write});
  ASSERT_EQ(request.wanted.size(), 3U);
  EXPECT_EQ(request.wanted[0].user, user("b"));
  EXPECT_EQ(request.wanted[1].user, user("m"));
  EXPECT_EQ(request.wanted[2].user, user("z"));
}

TEST_F(ProtocolTest, ABatchIsBoundedByBytesAndTheRestIsDeferred) {
  std::vector<CartRow> rows;
  std::vector<Asked> adds;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "u" + std::to_string(1000 + i);
    std::vector<cart::Line> lines;
    for (int line = 0; line < 150; ++line)
      lines.push_back({article("article-" + std::to_string(line)), Quantity::of(1)});
    rows.push_back(row(name, 5, std::move(lines)));
    adds.push_back(ask_add(name, "x", 1));
  }
  const auto decided = round(opened(rows), adds);
  EXPECT_FALSE(decided.deferred.empty());
  EXPECT_EQ(decided.deferred.size() + decided.reserved.size(), adds.size());
  EXPECT_GE(decided.reserved.size(), 1U);
}

TEST_F(ProtocolTest, WithoutAMirrorAWriteIsVisibleAtCommitAndNothingIsListed) {
  Protocol alone{LaneKey{"instance", 1},
                 {.reservation_ttl = std::chrono::seconds{5}, .limits = {}, .mirrored = false},
                 ids_};
  const auto add = ask_add("u", "a", 2);
  auto decided = alone.decide(opened({row("u", 5)}), std::vector{add.write}, Policy::strict);
  EXPECT_EQ(decided.writes.carts.size(), 1U);
  EXPECT_FALSE(decided.writes.row->token);
  for (auto& reply : alone.committed(std::move(decided)))
    reply.write->answer(std::move(reply.result));
  EXPECT_FALSE(add.answer()->mirrored);
  EXPECT_FALSE(alone.outstanding());
}

} // namespace
} // namespace panier::commit::test
