// The probes: what they find of each store, and whether the ledger was lost.
#include "support/memory_house.hpp"
#include "upkeep/probe.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::test {
namespace {

class ProbeTest : public House {
protected:
  std::unique_ptr<Instance> instance_ = start("one");
  void put_document() {
    mirror_.edit([&](auto& docs) {
      const commit::CartId id({99});
      docs.emplace(id, commit::MirrorDoc{id, user("old"), 1, {}, 7, true, true, {}});
    });
  }
  void keep_up() {
    upkeep::Upkeep upkeep(upkeep_stores(), {.verify_rows_per_s = 200, .wait = [](auto) {}},
                          [](commit::WriteRequest, commit::WriteDone) {});
    upkeep.run_once();
  }
  std::string write() {
    const auto asked = ask(*instance_, add("u"));
    settle(*instance_);
    return asked.outcome();
  }
};

TEST_F(ProbeTest, ALedgerThatCameBackIsKnownToBeBack) {
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  ledger_.faults.down(unreachable());
  probe.run_once();
  EXPECT_TRUE(ledger_state_.down());
  EXPECT_EQ(write(), "ledger_unavailable");
  ledger_.faults.down({});
  probe.run_once();
  EXPECT_FALSE(ledger_state_.down());
  EXPECT_EQ(write(), "ok");
}

TEST_F(ProbeTest, AConflictIsNoOutage) {
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  probe.run_once();
  ledger_.faults.fail_next(LedgerCall::ping, {{Errc::store_conflict, {}, "locked"}});
  probe.run_once();
  EXPECT_FALSE(ledger_state_.down());
}

TEST_F(ProbeTest, AnUnmigratedLedgerTakesNoWritesAndSaysWhatToDo) {
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, false, &mirror_);
  EXPECT_FALSE(ledger_state_.writable()) << "not before the schema is known";
  ledger_.faults.fail_next(LedgerCall::prepare,
                           {{Errc::schema_unmigrated, {}, "old table: run panier migrate"}});
  probe.run_once();
  EXPECT_FALSE(ledger_state_.down());
  EXPECT_NE(ledger_state_.snapshot().notice.find("panier migrate"), std::string::npos);
  EXPECT_EQ(write(), "ledger_unavailable");
  probe.run_once();
  EXPECT_TRUE(ledger_state_.writable());
  EXPECT_EQ(write(), "ok");
}

TEST_F(ProbeTest, AMissingIndexIsBuilt) {
  mirror_.drop_index();
  upkeep::MirrorProbe probe(clock_, mirror_, mirror_state_, 2s);
  probe.run_once();
  EXPECT_TRUE(mirror_state_.writable());
  EXPECT_EQ(mirror_.connect()->ensure_index(false, 1s), commit::IndexState::present);
}

TEST_F(ProbeTest, AnIndexThatCannotBeBuiltBlocksStrictWritesOnly) {
  ASSERT_EQ(write(), "ok");
  mirror_.drop_index();
  const commit::CartId id({99});
  mirror_.edit([&](auto& docs) {
    docs.emplace(id, commit::MirrorDoc{id, user("u"), 1, {}, 1, true, true, {}});
  });
  upkeep::MirrorProbe probe(clock_, mirror_, mirror_state_, 2s);
  probe.run_once();
  EXPECT_FALSE(mirror_state_.down());
  EXPECT_NE(mirror_state_.snapshot().notice.find("user_id_1"), std::string::npos);
  EXPECT_EQ(write(), "mirror_unavailable");
  policy_ = Policy::available;
  EXPECT_EQ(write(), "ok");
  policy_ = Policy::strict;
  mirror_.edit([&](auto& docs) { docs.erase(id); });
  probe.run_once();
  EXPECT_TRUE(mirror_state_.snapshot().notice.empty());
  EXPECT_EQ(write(), "ok");
}

TEST_F(ProbeTest, AnIndexThatIsDroppedLaterIsNoticed) {
  upkeep::MirrorProbe probe(clock_, mirror_, mirror_state_, 2s);
  probe.run_once();
  const int asked = mirror_.faults.calls(MirrorCall::ensure_index);
  probe.run_once();
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::ensure_index), asked) << "not at every ping";
  mirror_.drop_index();
  clock_.advance(10s);
  probe.run_once();
  EXPECT_EQ(mirror_.connect()->ensure_index(false, 1s), commit::IndexState::present);
}

// An unmounted volume, or the wrong database: the mirror may be the last copy.
TEST_F(ProbeTest, AnEmptyLedgerBesideAMirrorWithDocumentsIsNotWrittenTo) {
  put_document();
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, false, &mirror_);
  probe.run_once();
  EXPECT_FALSE(ledger_state_.down());
  EXPECT_FALSE(ledger_state_.readable());
  EXPECT_NE(ledger_state_.snapshot().notice.find("no cart"), std::string::npos);
  EXPECT_EQ(write(), "ledger_unavailable");
  mirror_state_.answered({});
  for (int round = 0; round < 5; ++round) {
    keep_up();
    clock_.advance(1min);
  }
  EXPECT_TRUE(mirror_.document(user("old"))) << "verify must not take it for a leftover";
  mirror_.edit([](auto& docs) { docs.clear(); });
  probe.run_once();
  EXPECT_TRUE(ledger_state_.writable());
  EXPECT_EQ(write(), "ok");
}

TEST_F(ProbeTest, AnEmptyLedgerWaitsForTheMirrorsWord) {
  policy_ = Policy::available;
  mirror_.faults.down(unreachable());
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  probe.run_once();
  EXPECT_EQ(write(), "ledger_unavailable");
  EXPECT_TRUE(ledger_state_.readable());
  mirror_.faults.down({});
  probe.run_once();
  EXPECT_EQ(write(), "ok");
  mirror_.faults.down(unreachable());
  upkeep::LedgerProbe next(clock_, ledger_, ledger_state_, true, &mirror_);
  next.run_once();
  EXPECT_TRUE(ledger_state_.writable()) << "a ledger with carts decides alone";
}

TEST_F(ProbeTest, ALedgerThatWentIsLookedAtBeforeAnybodyTrustsIt) {
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  probe.run_once();
  ASSERT_EQ(write(), "ok");
  ledger_.faults.down(unreachable());
  EXPECT_EQ(write(), "ledger_unavailable"); // the lane finds it down
  ledger_.faults.down({});
  ledger_.edit([](auto& state) { state.carts.clear(); }); // another copy has made empty tables
  settle(*instance_);
  clock_.advance(1h); // a heartbeat is due
  settle(*instance_);
  EXPECT_EQ(write(), "ledger_unavailable") << "a lane's answer says nothing of the carts";
  probe.run_once();
  EXPECT_FALSE(ledger_state_.down());
  EXPECT_EQ(write(), "ledger_unavailable");
  keep_up();
  EXPECT_TRUE(mirror_.document(user("u")));
}

TEST_F(ProbeTest, ALostLedgerIsNoLessLostWhileTheMirrorIsSilent) {
  put_document();
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  probe.run_once();
  ASSERT_FALSE(ledger_state_.readable());
  mirror_.faults.down(unreachable());
  probe.run_once();
  EXPECT_FALSE(ledger_state_.readable())
      << "an empty ledger would tell everybody that there is no cart";
}

TEST_F(ProbeTest, AMigrationThatEmptiesBothStoresIsNoRecovery) {
  put_document();
  upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
  probe.run_once();
  mirror_.edit([](auto& docs) { docs.clear(); });
  ledger_.faults.fail_next(LedgerCall::prepare,
                           {{Errc::schema_unmigrated, {}, "a migration was begun"}});
  probe.run_once();
  EXPECT_EQ(write(), "ledger_unavailable");
  EXPECT_NE(ledger_state_.snapshot().notice.find("a migration was begun"), std::string::npos);
  probe.run_once();
  EXPECT_EQ(write(), "ok");
}

TEST_F(ProbeTest, WhatIsBegunMeanwhileIsNoLossWhateverTheMirrorSaysThen) {
  const std::optional<Fault> silent = Fault{unreachable()};
  for (const auto& answer : {std::optional<Fault>{}, silent}) {
    ledger_.edit([](auto& state) { state.carts.clear(); });
    mirror_.edit([](auto& docs) { docs.clear(); });
    mirror_.faults.on_call([&](MirrorCall call) -> std::optional<Fault> {
      if (call != MirrorCall::scan) return std::nullopt;
      ledger_.edit([](auto& state) {
        commit::CartRow row{.user = user("other")};
        row.cart.id = commit::CartId({99});
        state.carts.emplace(row.user, row);
      });
      put_document();
      return answer;
    });
    upkeep::LedgerProbe probe(clock_, ledger_, ledger_state_, true, &mirror_);
    probe.run_once();
    EXPECT_TRUE(ledger_state_.writable()) << answer.has_value();
  }
}

} // namespace
} // namespace panier::test
