// Settle: what becomes of a reservation.
#include "bench.hpp"

namespace panier::commit::test {
namespace {

TEST_F(ProtocolTest, AReservationWritesNoCartRowAndAnswersNobody) {
  const auto add = ask_add("u", "a", 2);
  const auto reserved = round(opened({row("u", 5)}), {add});
  EXPECT_TRUE(reserved.writes.carts.empty());
  ASSERT_EQ(reserved.writes.row->reserved.size(), 1U);
  EXPECT_EQ(reserved.writes.row->reserved[0], (Listed{user("u"), now_ms}));
  EXPECT_TRUE(reserved.writes.row->token);
  EXPECT_FALSE(add.answered());
}

TEST_F(ProtocolTest, HeldByTheMirrorItBecomesVisibleAndIsAnswered) {
  const auto add = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {add});
  mirror_holds();
  EXPECT_FALSE(add.answered()) << "the mirror alone is no reason to answer";
  const auto settled = round(opened({row("u", 5)}), {});
  ASSERT_EQ(settled.writes.carts.size(), 1U);
  EXPECT_EQ(settled.writes.carts[0].cart.version, now_ms);
  EXPECT_EQ(settled.writes.carts[0].cart.lines,
            (std::vector<cart::Line>{{article("a"), Quantity::of(2)}}));
  EXPECT_TRUE(settled.writes.row->reserved.empty());
  EXPECT_FALSE(settled.writes.row->token);
  ASSERT_TRUE(add.answered());
  EXPECT_EQ(add.answer()->outcome.version, now_ms);
  EXPECT_FALSE(protocol_.outstanding());
}

TEST_F(ProtocolTest, NotHeldItIsAbortedOldContentNewVersionLagRowAndADefiniteError) {
  const auto add = ask_add("u", "a", 2);
  const std::vector<cart::Line> old{{article("z"), Quantity::of(1)}};
  round(opened({row("u", 5, old)}), {add});
  mirror_says(Took::failed);
  const auto settled = round(opened({row("u", 5, old)}), {});
  ASSERT_EQ(settled.writes.carts.size(), 1U);
  EXPECT_EQ(settled.writes.carts[0].cart.lines, old);
  EXPECT_GT(settled.writes.carts[0].cart.version, now_ms)
      << "above the version that the mirror was sent";
  ASSERT_EQ(settled.writes.lag.size(), 1U);
  EXPECT_EQ(settled.writes.lag[0].version, settled.writes.carts[0].cart.version);
  EXPECT_TRUE(settled.writes.keys.empty());
  ASSERT_TRUE(add.answered());
  EXPECT_EQ(add.answer().error().code, Errc::mirror_unavailable);
}

TEST_F(ProtocolTest, AnAbortedFirstCreateStaysATombstone) {
  const auto create = ask_plain(OperationKind::create, "u");
  round(opened({row("u", 0, {}, false)}), {create});
  mirror_says(Took::failed);
  const auto settled = round(opened({row("u", 0, {}, false)}), {});
  ASSERT_EQ(settled.writes.carts.size(), 1U);
  EXPECT_FALSE(settled.writes.carts[0].cart.exists);
  EXPECT_GT(settled.writes.carts[0].cart.version, now_ms);
}

TEST_F(ProtocolTest, AnEmptyOwnRowMeansOthersAbortedUsNothingIsWrittenAndTheAnswerIsAnError) {
  const auto add = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {add});
  mirror_holds();
  own_->token.reset();
  own_->reserved.clear();
  const auto settled = round(opened({row("u", now_ms + 1)}), {});
  EXPECT_TRUE(settled.writes.carts.empty());
  ASSERT_TRUE(add.answered());
  EXPECT_FALSE(add.answer().has_value());
}

TEST_F(ProtocolTest, AMissingOwnRowMeansTheSame) {
  const auto add = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {add});
  mirror_holds();
  own_.reset();
  const auto settled = round(opened({row("u", 5)}), {});
  EXPECT_TRUE(settled.writes.carts.empty());
  EXPECT_FALSE(add.answer().has_value());
}

TEST_F(ProtocolTest, AnUnknownTokenInTheOwnRowIsAStrangers) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 2)});
  auto seen = opened({row("u", 5)});
  EXPECT_FALSE(protocol_.is_strangers(seen));
  seen.own->token = Token(Token::Bytes{99});
  EXPECT_TRUE(protocol_.is_strangers(seen));
  seen.own->token.reset();
  EXPECT_FALSE(protocol_.is_strangers(seen));
}

TEST_F(ProtocolTest, AForgottenBatchIsAStrangersFromThenOn) {
  const auto add = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {add});
  for (auto& reply : protocol_.forget())
    reply.write->answer(std::move(reply.result));
  EXPECT_EQ(add.answer().error().code, Errc::outcome_unknown);
  EXPECT_TRUE(protocol_.is_strangers(opened({row("u", 5)})));
}

TEST_F(ProtocolTest, AVisibleVersionOtherThanTheOneReservedOnAborts) {
  const auto add = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {add});
  mirror_holds();
  const auto settled = round(opened({row("u", 6)}), {});
  EXPECT_FALSE(add.answer().has_value());
  ASSERT_FALSE(settled.notices.empty());
  EXPECT_EQ(settled.notices[0].kind, Notice::Kind::base_changed);
}

TEST_F(ProtocolTest, ACartLockedBySomebodyStaysListedWithItsVerdictAndTheOthersAreSettled) {
  const auto one = ask_add("u", "a", 2);
  const auto two = ask_add("v", "a", 2);
  round(opened({row("u", 5), row("v", 5)}), {one, two});
  mirror_holds();
  auto seen = opened({row("v", 5)});
  seen.skipped = {user("u")};
  const auto settled = round(seen, {});
  EXPECT_TRUE(two.answered());
  EXPECT_FALSE(one.answered());
  ASSERT_EQ(settled.writes.row->reserved.size(), 1U);
  EXPECT_EQ(settled.writes.row->reserved[0].user, user("u"));
  EXPECT_TRUE(settled.writes.row->token);
  round(opened({row("u", 5)}), {});
  ASSERT_TRUE(one.answered());
  EXPECT_TRUE(one.answer().has_value());
}

TEST_F(ProtocolTest, ARowThatTheLedgerRefusesIsFoundCartByCartAndAbortedAlone) {
  const auto good = ask_add("u", "a", 1);
  const auto bad = ask_add("v", "a", 1);
  round(opened({row("u", 5), row("v", 5)}), {good, bad});
  mirror_holds();
  const auto both = opened({row("u", 5), row("v", 5)});
  const Error refusal{Errc::store_rejected, {}, "no"};
  EXPECT_FALSE(protocol_.rejected(protocol_.decide(both, {}, Policy::strict), refusal).culprit);

  const auto first = round(both, {});
  EXPECT_EQ(first.alone, user("u"));
  EXPECT_TRUE(good.answer().has_value());
  EXPECT_FALSE(bad.answered());

  auto second = protocol_.decide(opened({row("v", 5)}), {}, Policy::strict);
  EXPECT_EQ(second.alone, user("v"));
  EXPECT_EQ(protocol_.rejected(std::move(second), refusal).culprit, user("v"));

  const auto third = round(opened({row("v", 5)}), {});
  EXPECT_EQ(third.writes.carts.at(0).cart.lines.size(), 0U) << "old content";
  EXPECT_EQ(bad.answer().error().code, Errc::internal);
  EXPECT_FALSE(protocol_.outstanding());
}

TEST_F(ProtocolTest, AvailableIsVisibleAndAnsweredAtCommitAndListedInFlight) {
  const auto add = ask_add("u", "a", 2);
  const auto done = round(opened({row("u", 5)}), {add}, Policy::available);
  ASSERT_EQ(done.writes.carts.size(), 1U);
  EXPECT_EQ(done.writes.carts[0].cart.version, now_ms);
  EXPECT_TRUE(done.writes.row->reserved.empty());
  ASSERT_EQ(done.writes.row->in_flight.size(), 1U);
  ASSERT_TRUE(add.answered());
  EXPECT_FALSE(add.answer()->mirrored);
}

TEST_F(ProtocolTest, AvailableUnconfirmedBecomesALagRow) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 2)}, Policy::available);
  mirror_says(Took::failed);
  const auto next = round(opened({row("u", now_ms)}), {}, Policy::available);
  ASSERT_EQ(next.writes.lag.size(), 1U);
  EXPECT_EQ(next.writes.lag[0], (Listed{user("u"), now_ms}));
  EXPECT_TRUE(next.writes.row->in_flight.empty());
  EXPECT_TRUE(next.writes.carts.empty());
}

TEST_F(ProtocolTest, AvailableConfirmedLeavesNothing) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 2)}, Policy::available);
  mirror_holds();
  EXPECT_TRUE(protocol_.open_request({}).wanted.empty()) << "no cart is locked for that";
  const auto next = round(opened({}), {}, Policy::available);
  EXPECT_TRUE(next.writes.lag.empty());
  EXPECT_TRUE(next.writes.row->in_flight.empty());
  EXPECT_FALSE(next.writes.row->token);
}

TEST_F(ProtocolTest, AvailableUnconfirmedStaysListedWhileSomebodyHasItsCart) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 2)}, Policy::available);
  mirror_says(Took::failed);
  EXPECT_EQ(protocol_.open_request({}).wanted.size(), 1U);
  const auto next = round(opened({}), {}, Policy::available);
  EXPECT_TRUE(next.writes.lag.empty());
  EXPECT_EQ(next.writes.row->in_flight.size(), 1U);
}

TEST_F(ProtocolTest, AvailableConfirmedIsParkedForTheNextWriteIfSomebodyHasItsCart) {
  round(opened({row("u", 5)}), {ask_add("u", "a", 2)}, Policy::available);
  mirror_holds();
  auto held = opened({});
  held.skipped = {user("u")};
  const auto again = ask_add("u", "a", 3);
  const auto next = round(held, {again}, Policy::available);
  EXPECT_EQ(next.parked.size(), 1U);
  EXPECT_FALSE(again.answered());
  EXPECT_TRUE(next.writes.row->in_flight.empty());
}

TEST_F(ProtocolTest, ASwitchOfPolicySettlesWhatWasReservedUnderTheOldOne) {
  const auto strict = ask_add("u", "a", 2);
  round(opened({row("u", 5)}), {strict});
  mirror_holds();
  const auto available = ask_add("u", "a", 3);
  const auto both = round(opened({row("u", 5)}), {available}, Policy::available);
  EXPECT_EQ(strict.answer()->outcome.quantity, Quantity::of(2));
  EXPECT_EQ(available.answer()->outcome.quantity, Quantity::of(5));
  ASSERT_EQ(both.writes.carts.size(), 1U) << "one row a cart";
  EXPECT_EQ(both.writes.carts[0].cart.version, available.answer()->outcome.version);
}

} // namespace
} // namespace panier::commit::test
