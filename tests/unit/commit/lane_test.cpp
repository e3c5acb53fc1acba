// A lane's rounds on good days, and on days when a store is known to be down.
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class LaneTest : public House {
protected:
  std::unique_ptr<Instance> instance_ = start("one");
  Lane& lane() { return instance_->lane; }
  int transactions() { return ledger_.faults.calls(LedgerCall::commit); }
  int bulks() { return mirror_.faults.calls(MirrorCall::write); }
  std::vector<commit::UserId> in_flight() {
    std::vector<commit::UserId> users;
    const auto state = ledger_.state();
    for (const auto& one : state.lanes.begin()->second.in_flight)
      users.push_back(one.user);
    return users;
  }
};

TEST_F(LaneTest, ALoneWriteCostsTwoTransactionsAndOneBulk) {
  const auto asked = ask(*instance_, add("u", "a", 2));
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_FALSE(asked.answered()) << "reserved only";
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 2)});
  EXPECT_TRUE(ledger_lines("u").empty()) << "not visible yet";
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_TRUE(asked.receipt().mirrored);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
  EXPECT_EQ(lane().run_once(), Lane::Did::nothing);
  EXPECT_EQ(transactions(), 2);
  EXPECT_EQ(bulks(), 1);
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneTest, AnIdleLaneDoesNothingButItsHeartbeat) {
  settle(*instance_);
  EXPECT_EQ(transactions(), 1);
  const auto first = ledger_.state().lanes.begin()->second.heartbeat;
  clock_.advance(commit::heartbeat_every - 1ms);
  EXPECT_EQ(lane().run_once(), Lane::Did::nothing);
  clock_.advance(1ms);
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_EQ(ledger_.state().lanes.begin()->second.heartbeat - first, commit::heartbeat_every);
}

TEST_F(LaneTest, WritesOnOneCartFoldAndEachHasItsVersion) {
  const std::vector asked{ask(*instance_, add("u")), ask(*instance_, add("u")),
                          ask(*instance_, add("u"))};
  settle(*instance_);
  std::set<commit::Version> versions;
  for (int i = 0; i < 3; ++i) {
    const auto& outcome = asked[static_cast<std::size_t>(i)].receipt().outcome;
    EXPECT_EQ(outcome.quantity, Quantity::of(i + 1));
    versions.insert(outcome.version);
  }
  EXPECT_EQ(versions.size(), 3U);
  EXPECT_EQ(bulks(), 1);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 3)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneTest, WhatArrivesMeanwhileRidesWithTheSettlingTransaction) {
  const auto first = ask(*instance_, add("u"));
  (void)lane().run_once();
  const auto second = ask(*instance_, add("u"));
  (void)lane().run_once();
  EXPECT_EQ(first.outcome(), "ok");
  EXPECT_FALSE(second.answered());
  (void)lane().run_once();
  EXPECT_EQ(second.outcome(), "ok");
  EXPECT_EQ(transactions(), 3);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
}

TEST_F(LaneTest, ARefusalAloneIsAnsweredByItsOneTransaction) {
  const auto asked = ask(*instance_, operation(OperationKind::empty, "nobody"));
  (void)lane().run_once();
  EXPECT_EQ(asked.outcome(), "cart_not_found");
  EXPECT_EQ(bulks(), 0);
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(LaneTest, TheSameIdempotencyKeyIsCarriedOutOnce) {
  commit::Idempotency key;
  key.key[0] = 7;
  const auto first = ask(*instance_, add("u"), key);
  settle(*instance_);
  const auto again = ask(*instance_, add("u"), key);
  settle(*instance_);
  EXPECT_EQ(again.receipt(), first.receipt());
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
}

TEST_F(LaneTest, StrictRefusesAtOnceWhileTheMirrorIsDown) {
  mirror_state_.failed(unreachable());
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(bulks(), 0);
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(LaneTest, AvailableWorksWhileTheMirrorIsDownAndTheLagIsKnown) {
  policy_ = Policy::available;
  mirror_state_.failed(unreachable());
  const auto asked = ask(*instance_, add("u"));
  (void)lane().run_once();
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_FALSE(asked.receipt().mirrored);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  settle(*instance_);
  EXPECT_EQ(ledger_.state().lag.at(user("u")), asked.receipt().outcome.version);
  EXPECT_EQ(bulks(), 0);

  mirror_state_.answered({});
  repair();
  EXPECT_TRUE(ledger_.state().lag.empty());
  EXPECT_EQ(differences(), "");
}

// A lane that is already looking for work must not judge by what held before the switch.
TEST_F(LaneTest, AWriteAskedForAfterASwitchIsJudgedByTheNewPolicy) {
  mirror_state_.set_notice("unique index missing");
  Asked asked;
  clock_.at_next_look = [&] {
    policy_ = Policy::available;
    asked = ask(*instance_, add("u"));
  };
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  clock_.at_next_look = [&] {
    policy_ = Policy::strict;
    asked = ask(*instance_, add("u"));
  };
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "mirror_unavailable");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
}

TEST_F(LaneTest, AWriteIsCommittedByThePolicyThatItWasJudgedBy) {
  policy_ = Policy::available;
  mirror_state_.set_notice("unique index missing");
  ledger_.faults.on_call([&](LedgerCall call) -> std::optional<Fault> {
    if (call == LedgerCall::open) policy_ = Policy::strict;
    return {};
  });
  const auto asked = ask(*instance_, add("u"));
  (void)lane().run_once();
  EXPECT_EQ(asked.outcome(), "ok") << "not by a mirror that strict writes must not trust";
  EXPECT_FALSE(asked.receipt().mirrored);
  settle(*instance_);
}

// Nobody waits for its list to be empty.
TEST_F(LaneTest, WhatAvailableWroteAndTheMirrorConfirmedIsStruckOffWithTheNextBatch) {
  policy_ = Policy::available;
  const auto first = ask(*instance_, add("u"));
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_EQ(first.outcome(), "ok");
  EXPECT_EQ(lane().run_once(), Lane::Did::nothing);
  EXPECT_EQ(in_flight(), std::vector{user("u")});
  const auto second = ask(*instance_, add("v"));
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_EQ(second.outcome(), "ok");
  EXPECT_EQ(in_flight(), std::vector{user("v")});
  EXPECT_EQ(transactions(), 2);
  EXPECT_TRUE(ledger_.state().lag.empty());
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneTest, WithoutANextBatchItIsStruckOffSoonAllTheSame) {
  policy_ = Policy::available;
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(in_flight(), std::vector{user("u")});
  clock_.advance(commit::strike_off_after - 1ms);
  EXPECT_EQ(lane().run_once(), Lane::Did::nothing);
  clock_.advance(1ms);
  EXPECT_EQ(lane().run_once(), Lane::Did::worked);
  EXPECT_TRUE(in_flight().empty());
  EXPECT_TRUE(ledger_.state().lag.empty());
  EXPECT_EQ(lane().run_once(), Lane::Did::nothing);
}

// Others would abort the list, and repair carts that need none.
TEST_F(LaneTest, ItIsStruckOffLongBeforeAShortReservationIsOver) {
  policy_ = Policy::available;
  timing_.reservation_ttl = 100ms; // the least that the settings allow
  const auto short_lived = start("two");
  const auto asked = ask(*short_lived, add("u"));
  settle(*short_lived);
  EXPECT_EQ(in_flight(), std::vector{user("u")});
  clock_.advance(timing_.reservation_ttl / 2);
  EXPECT_EQ(short_lived->lane.run_once(), Lane::Did::worked);
  EXPECT_TRUE(in_flight().empty());
}

TEST_F(LaneTest, ALaneThatEndsStrikesItOffFirst) {
  policy_ = Policy::available;
  const auto asked = ask(*instance_, add("u"));
  instance_->queue.close();
  const std::atomic<bool> give_up{false};
  lane().run(give_up); // ends by itself
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_TRUE(in_flight().empty());
  EXPECT_TRUE(ledger_.state().lag.empty());
}

TEST_F(LaneTest, WhatTheMirrorDidNotConfirmBecomesALagRowAtOnce) {
  policy_ = Policy::available;
  mirror_.faults.fail_next(MirrorCall::write, {unreachable()});
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_TRUE(in_flight().empty());
  EXPECT_EQ(ledger_.state().lag.at(user("u")), asked.receipt().outcome.version);
}

TEST_F(LaneTest, ALedgerThatDoesNotAnswerIsToldAtOnceAndNothingHappens) {
  ledger_.faults.fail_next(LedgerCall::open, {unreachable()});
  const auto asked = ask(*instance_, add("u"));
  EXPECT_EQ(lane().run_once(), Lane::Did::waiting);
  EXPECT_EQ(asked.outcome(), "ledger_unavailable");
  EXPECT_TRUE(ledger_state_.down());
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(LaneTest, AConflictRunsTheWholeTransactionAgain) {
  ledger_.faults.fail_next(LedgerCall::open, {{Errc::store_conflict, {}, "deadlock"}});
  ledger_.faults.fail_next(LedgerCall::commit, {{Errc::store_conflict, {}, "lock wait"}});
  const auto asked = ask(*instance_, add("u"));
  EXPECT_EQ(lane().run_once(), Lane::Did::again);
  EXPECT_EQ(lane().run_once(), Lane::Did::again);
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_NE(metrics_.text().find("panier_transactions_repeated_total 2\n"), std::string::npos);
}

TEST_F(LaneTest, WhoMeetsOnlyLocksIsToldBeforeTheDeadline) {
  settle(*instance_);
  bool locked = true;
  ledger_.faults.on_call([&](LedgerCall call) -> std::optional<Fault> {
    if (!locked || call != LedgerCall::open) return std::nullopt;
    clock_.advance(1s); // how long a lock is waited for
    return Fault{.error = {Errc::store_conflict, {}, "Lock wait timeout exceeded"}};
  });
  const auto asked = ask(*instance_, add("u"));
  const auto started = clock_.steady();
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ledger_unavailable");
  EXPECT_LE(clock_.steady() - started, commit::Timing{}.request_timeout / 2 + 1s);
  EXPECT_TRUE(ledger_state_.on_trial());
  EXPECT_TRUE(ledger_state_.readable());
  locked = false;
  ledger_state_.found_up(1ms);
  const auto next = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(next.outcome(), "ok");
  EXPECT_FALSE(ledger_state_.on_trial());
}

TEST_F(LaneTest, ALockThatOnlyThisLaneMeetsIsNotTold) {
  settle(*instance_);
  ledger_.faults.on_call([&](LedgerCall call) -> std::optional<Fault> {
    if (call != LedgerCall::open) return std::nullopt;
    clock_.advance(1s);
    ledger_state_.wrote(1ms); // another lane
    return Fault{.error = {Errc::store_conflict, {}, "Lock wait timeout exceeded"}};
  });
  const auto asked = ask(*instance_, add("u"));
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(lane().run_once(), Lane::Did::again);
  EXPECT_FALSE(asked.answered());
  EXPECT_FALSE(ledger_state_.on_trial());
}

TEST_F(LaneTest, WhatIsPastItsDeadlineInTheQueueIsNotCarriedOut) {
  const auto asked = ask(*instance_, add("u"));
  clock_.advance(commit::Timing{}.request_timeout);
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "overloaded");
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(LaneTest, ADeadlineThatPassesWhileUndecidedIsAnUnknownOutcomeToldOnce) {
  const auto asked = ask(*instance_, add("u"));
  (void)lane().run_once();
  clock_.advance(commit::Timing{}.request_timeout);
  instance_->queue.expire_due(clock_.steady());
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  settle(*instance_);
  EXPECT_EQ(asked.answers->size(), 1U);
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneTest, WhatChangesNothingClaimsNoMirrorThatLags) {
  make_cart(*instance_, "u");
  const auto emptied = ask(*instance_, operation(OperationKind::empty, "u"));
  settle(*instance_);
  EXPECT_TRUE(emptied.answers->front()->mirrored);
  const std::array behind{commit::Listed{user("u"), 0}};
  ASSERT_TRUE(ledger_.connect()->add_lag(behind));
  const auto again = ask(*instance_, operation(OperationKind::empty, "u"));
  settle(*instance_);
  ASSERT_EQ(again.outcome(), "ok");
  EXPECT_FALSE(again.answers->front()->mirrored);
}

TEST_F(LaneTest, WhatIsLeftWhenALaneEndsIsAnswered) {
  const auto queued = ask(*instance_, add("u"));
  instance_->queue.close();
  const auto late = ask(*instance_, add("u"));
  EXPECT_EQ(late.outcome(), "shutting_down");
  instance_->queue.answer_rest();
  EXPECT_EQ(queued.outcome(), "shutting_down");
}

} // namespace
} // namespace panier::test
