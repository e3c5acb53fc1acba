// COMMIT without an answer: it happened, it did not, nobody can tell, or not yet.
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class LaneUnknownTest : public House {
protected:
  // Of the transactions to come, the one after `skipped` loses its answer.
  void lose_commit(bool effect, int skipped = 0) {
    auto left = std::make_shared<int>(skipped);
    ledger_.faults.on_call([effect, left](LedgerCall call) -> std::optional<Fault> {
      if (call != LedgerCall::commit || (*left)-- != 0) return std::nullopt;
      return Fault{.error = commit_lost(), .effect = effect};
    });
  }
  void hang_commit() {
    ledger_.faults.fail_next(LedgerCall::commit, {.error = commit_lost(), .hanging = true});
  }
  std::unique_ptr<Instance> instance_ = start("one");
};

TEST_F(LaneUnknownTest, AReservationThatWasCommittedGoesOn) {
  lose_commit(true);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::commit), 2);
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, AReservationThatWasNotIsMadeAgain) {
  settle(*instance_); // its row is there
  lose_commit(false);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::commit), 1 + 3);
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::write), 1);
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, AReservationThatIsNeverMadeIsTheLedgersFault) {
  settle(*instance_);
  ledger_.faults.on_call([](LedgerCall call) -> std::optional<Fault> {
    if (call != LedgerCall::commit) return std::nullopt;
    return Fault{.error = commit_lost()};
  });
  const auto asked = ask(*instance_, add("u"));
  const auto started = clock_.steady();
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::worked) << "a connection may have been lost";
  EXPECT_FALSE(asked.answered());
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::waiting);
  EXPECT_TRUE(ledger_state_.down());
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::nothing);
  EXPECT_EQ(asked.outcome(), "ledger_unavailable") << "and not after its deadline";
  EXPECT_EQ(clock_.steady(), started);
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::commit), 1 + 2);
}

TEST_F(LaneUnknownTest, ABeatThatIsNotAnsweredIsNotRepeatedInALoop) {
  settle(*instance_);
  clock_.advance(commit::heartbeat_every);
  lose_commit(false);
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::waiting);
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::nothing);
}

TEST_F(LaneUnknownTest, ALanesFirstTransactionLeavesNoRowToAsk) {
  lose_commit(false);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  EXPECT_TRUE(ledger_lines("u").empty());
}

TEST_F(LaneUnknownTest, ASettlingThatWasCommittedIsAnsweredOnce) {
  lose_commit(true, 1);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, ASettlingThatWasNotIsDoneAgain) {
  lose_commit(false, 1);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::write), 1) << "the mirror has it already";
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, AQuestionThatIsNotAnsweredIsAskedAgain) {
  lose_commit(true);
  ledger_.faults.fail_next(LedgerCall::last_batch, {unreachable()}, 3);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::last_batch), 4);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
}

TEST_F(LaneUnknownTest, ARowThatIsGoneMeansNobodyKnows) {
  settle(*instance_);
  hang_commit();
  const auto asked = ask(*instance_, add("u"));
  ledger_.faults.on_call([this](LedgerCall call) {
    if (call == LedgerCall::last_batch) {
      ledger_.decide_hanging(false);
      ledger_.edit([](MemoryLedgerStore::State& state) { state.lanes.clear(); });
    }
    return std::optional<Fault>{};
  });
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::waiting);
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  const auto next = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(next.outcome(), "ok") << "the lane goes on with a row of its own";
  EXPECT_EQ(differences(), "");
}

// Both ends of a COMMIT that hangs past the deadline.
class HangingCommit : public LaneUnknownTest, public ::testing::WithParamInterface<bool> {};

TEST_P(HangingCommit, IsAskedForUntilTheDeadlineThenUnknownAndNothingOfItStays) {
  make_cart(*instance_, "u");
  hang_commit();
  const auto asked = ask(*instance_, add("u", "a", 10));
  const auto started = clock_.steady();
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::waiting);
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  const auto spent = clock_.steady() - started;
  EXPECT_GE(spent, commit::Timing{}.request_timeout);
  EXPECT_LT(spent, commit::Timing{}.request_timeout + 1s);
  EXPECT_GT(ledger_.faults.calls(LedgerCall::last_batch), 10);

  const auto blocked = ask(*instance_, add("u"));
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::again) << "its row is still locked";
  ledger_.decide_hanging(GetParam());
  settle(*instance_);
  EXPECT_EQ(blocked.outcome(), "ok");
  // The given-up reservation, if it was committed after all, was aborted like a stranger's.
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
  repair();
  EXPECT_EQ(differences(), "");
}
INSTANTIATE_TEST_SUITE_P(Decided, HangingCommit, ::testing::Bool());

TEST_P(HangingCommit, OfASettlingMayBecomeVisibleAndTheSameKeyThenTellsTheTruth) {
  make_cart(*instance_, "u");
  commit::Idempotency key;
  key.key[0] = 9;
  const auto asked = ask(*instance_, add("u", "a", 10), key);
  (void)instance_->lane.run_once();
  hang_commit();
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::waiting);
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  ledger_.decide_hanging(GetParam());
  const auto again = ask(*instance_, add("u", "a", 10), key);
  settle(*instance_);
  EXPECT_EQ(again.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 11)}) << "carried out once";
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, WhoseDeadlinePassesMeanwhileIsNotToldTwice) {
  hang_commit();
  const auto asked = ask(*instance_, add("u"));
  on_wait_ = [this] { instance_->queue.expire_due(clock_.steady()); };
  (void)instance_->lane.run_once();
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  EXPECT_EQ(asked.answers->size(), 1U);
  ledger_.decide_hanging(true);
  settle(*instance_);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LaneUnknownTest, AnAvailableWriteThatCannotBeToldIsRepairedForward) {
  policy_ = Policy::available;
  hang_commit();
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once();
  EXPECT_EQ(asked.outcome(), "outcome_unknown");
  ledger_.decide_hanging(true);
  settle(*instance_);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  repair();
  EXPECT_EQ(differences(), "");
}

} // namespace
} // namespace panier::test
