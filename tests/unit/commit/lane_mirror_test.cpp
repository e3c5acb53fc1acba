// What the mirror's answers mean for those who wait: held, not held, nobody knows.
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class LaneMirrorTest : public House {
protected:
  void SetUp() override {
    make_cart(*instance_, "u");
    bulks_before_ = mirror_.faults.calls(MirrorCall::write);
  }
  int bulks() { return mirror_.faults.calls(MirrorCall::write) - bulks_before_; }
  // Nothing of the write shows, a lag row is there, and both stores agree once upkeep has run.
  void expect_rolled_back() {
    EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
    EXPECT_EQ(ledger_.state().lag.size(), 1U);
    repair();
    EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
    EXPECT_EQ(differences(), "");
  }
  std::unique_ptr<Instance> instance_ = start("one");
  int bulks_before_ = 0;
};

TEST_F(LaneMirrorTest, ATimeoutWhoseReadBackShowsTheWriteIsASuccess) {
  mirror_.faults.fail_next(MirrorCall::write, {.error = timed_out(), .effect = true});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::find), 1);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneMirrorTest, ATimeoutWhoseReadBackDoesNotShowItIsRolledBack) {
  mirror_.faults.fail_next(MirrorCall::write, {timed_out()});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, ThePacketThatArrivesAfterTheAbortIsRolledBackToo) {
  mirror_.faults.fail_next(MirrorCall::write, {.error = timed_out(), .hanging = true});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  mirror_.deliver_late();
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 2)});
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, ThePacketThatArrivesAfterTheRepairLoses) {
  mirror_.faults.fail_next(MirrorCall::write, {.error = timed_out(), .hanging = true});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  expect_rolled_back();
  mirror_.deliver_late();
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneMirrorTest, WhatCannotBeReadBackIsRolledBackEvenIfTheMirrorHeldIt) {
  mirror_.faults.fail_next(MirrorCall::write, {.error = timed_out(), .effect = true});
  mirror_.faults.fail_next(MirrorCall::find, {timed_out()});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 2)});
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, AMirrorThatWasNotReachedIsNotAskedAgain) {
  // Each asking may wait out its whole timeout, and the carts are held all that time.
  mirror_.faults.fail_next(MirrorCall::write, {unreachable()});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::find), 0);
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, AMirrorThatWasNotReachedButHoldsTheWriteIsRolledBack) {
  mirror_.faults.fail_next(MirrorCall::write, {.error = unreachable(), .effect = true});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 2)});
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, NothingIsSentOnceTheReservationsLifeIsOver) {
  ledger_.faults.on_call([this](LedgerCall call) {
    if (call == LedgerCall::open) clock_.advance(commit::Timing{}.reservation_ttl);
    return std::optional<Fault>{};
  });
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once();
  ledger_.faults.on_call(nullptr);
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(bulks(), 0);
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, ALaneThatSleptInItsCommitSendsNothingEither) {
  ledger_.faults.on_call([this](LedgerCall call) {
    if (call == LedgerCall::commit) clock_.advance(commit::Timing{}.reservation_ttl);
    return std::optional<Fault>{};
  });
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once();
  ledger_.faults.on_call(nullptr);
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(bulks(), 0);
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, EachCartOfABulkHasItsOwnVerdict) {
  make_cart(*instance_, "failed");
  make_cart(*instance_, "unknown-held");
  make_cart(*instance_, "unknown-lost");
  make_cart(*instance_, "refused");
  mirror_.judge([](const commit::MirrorWrite& write) -> std::optional<MemoryMirrorStore::Verdict> {
    const auto& who = write.user.text();
    if (who == "failed") return MemoryMirrorStore::Verdict{Took::failed, false};
    if (who == "unknown-held") return MemoryMirrorStore::Verdict{Took::unknown, true};
    if (who == "unknown-lost") return MemoryMirrorStore::Verdict{Took::unknown, false};
    if (who == "refused") return MemoryMirrorStore::Verdict{Took::refused, true}; // a copied packet
    return std::nullopt;
  });
  const auto held = ask(*instance_, add("u"));
  const auto failed = ask(*instance_, add("failed"));
  const auto unknown_held = ask(*instance_, add("unknown-held"));
  const auto unknown_lost = ask(*instance_, add("unknown-lost"));
  const auto refused = ask(*instance_, add("refused"));
  (void)instance_->lane.run_once();
  mirror_.judge(nullptr);
  settle(*instance_);
  EXPECT_EQ(held.outcome(), "ok");
  EXPECT_EQ(failed.outcome(), "mirror_unavailable");
  EXPECT_EQ(unknown_held.outcome(), "ok");
  EXPECT_EQ(unknown_lost.outcome(), "mirror_unavailable");
  EXPECT_EQ(refused.outcome(), "ok");
  EXPECT_EQ(ledger_lines("failed"), std::vector{line("a", 1)});
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneMirrorTest, AVersionThatOnlyAHandCanHaveMadeIsNotFollowed) {
  make_cart(*instance_, "u");
  mirror_.edit([&](MemoryMirrorStore::Documents& docs) {
    docs.begin()->second.version = std::numeric_limits<commit::Version>::max() - 1;
  });
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_LT(ledger_.state().carts.at(user("u")).cart.version, commit::version_limit);
}

TEST_F(LaneMirrorTest, AMirrorThatIsAheadIsNeverASuccessAndTheNextVersionGoesAboveIt) {
  const commit::Version ahead = 9'000'000'000'000'000;
  mirror_.edit([&](MemoryMirrorStore::Documents& docs) { docs.begin()->second.version = ahead; });
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_GT(ledger_.state().carts.at(user("u")).cart.version, ahead);
  expect_rolled_back();
  const auto next = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(next.outcome(), "ok");
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneMirrorTest, AnotherWritersTokenAtTheSameVersionIsNotOurs) {
  mirror_.judge([](const commit::MirrorWrite&) {
    // Somebody restored a document that has this very version.
    return std::optional(MemoryMirrorStore::Verdict{Took::refused, true});
  });
  mirror_.faults.on_call([this](MirrorCall call) {
    if (call == MirrorCall::find)
      mirror_.edit([](auto& docs) { docs.begin()->second.token = commit::Token{}; });
    return std::optional<Fault>{};
  });
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once();
  mirror_.judge(nullptr);
  mirror_.faults.on_call(nullptr);
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  expect_rolled_back();
}

TEST_F(LaneMirrorTest, AnAbortedFirstCreateLeavesATombstoneAndTheNextOneItsId) {
  mirror_.faults.fail_next(MirrorCall::write, {timed_out()});
  const auto first = ask(*instance_, operation(OperationKind::create, "new"));
  settle(*instance_);
  EXPECT_EQ(first.outcome(), "mirror_unavailable");
  const auto id = ledger_.state().carts.at(user("new")).cart.id;
  EXPECT_FALSE(ledger_.state().carts.at(user("new")).cart.exists);
  const auto second = ask(*instance_, operation(OperationKind::create, "new"));
  mirror_state_.answered({});
  settle(*instance_);
  EXPECT_EQ(second.outcome(), "ok");
  EXPECT_EQ(second.receipt().outcome.id, id);
  EXPECT_FALSE(second.receipt().outcome.existed);
  repair();
  EXPECT_EQ(differences(), "");
}

} // namespace
} // namespace panier::test
