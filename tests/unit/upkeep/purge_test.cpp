// Purge: old tombstones go from the mirror first, then from the ledger, and only if nobody has them
// in hand.
#include "support/memory_house.hpp"
#include "upkeep/limits.hpp"
#include "upkeep/purge.hpp"

namespace panier::test {
namespace {

class PurgeTest : public House {
protected:
  static constexpr auto keep = 24h;
  void SetUp() override {
    make_cart(*instance_, "u");
    erase();
  }
  void erase() {
    const auto asked = ask(*instance_, operation(OperationKind::erase, "u"));
    settle(*instance_);
    ASSERT_EQ(asked.outcome(), "ok");
  }
  [[nodiscard]] std::chrono::milliseconds stood_for() const {
    return stores_.reservation_ttl + upkeep::purge_network_patience;
  }
  // Two looks, a while apart.
  void run() {
    EXPECT_TRUE(purge_.run_once());
    clock_.advance(stood_for());
    EXPECT_TRUE(purge_.run_once());
  }
  // Seen once already, long ago.
  void make_old_tombstones(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto who = "u" + std::to_string(i);
      make_cart(*instance_, who);
      const auto asked = ask(*instance_, operation(OperationKind::erase, who));
      settle(*instance_);
      ASSERT_EQ(asked.outcome(), "ok");
    }
    grow_old();
  }
  void grow_old() {
    clock_.advance(keep + 1ms);
    EXPECT_TRUE(purge_.run_once());
    clock_.advance(stood_for());
  }
  // Another instance's doing, between the mirror's purge and the ledger's.
  void before_open(std::function<void()> act) {
    ledger_.faults.on_call([act = std::move(act)](LedgerCall call) -> std::optional<Fault> {
      if (call == LedgerCall::open) act();
      return std::nullopt;
    });
  }
  bool in_ledger() { return ledger_.state().carts.contains(user("u")); }
  bool in_mirror() { return mirror_.document(user("u")).has_value(); }
  commit::Version version() { return ledger_.state().carts.at(user("u")).cart.version; }

  std::unique_ptr<Instance> instance_ = start("one");
  upkeep::Stores stores_ = upkeep_stores();
  bool go_on_ = true;
  upkeep::Purge purge_{stores_, keep, [this] { return go_on_; }};
};

// The write that made it may still be under way to the mirror.
TEST_F(PurgeTest, ATombstoneThatALedgerClockSetForwardMadeOldIsNotPurgedAtOnce) {
  clock_.set_wall(clock_.wall() + keep + 1h);
  EXPECT_TRUE(purge_.run_once());
  clock_.advance(stood_for() - 1ms);
  EXPECT_TRUE(purge_.run_once());
  EXPECT_TRUE(in_ledger());
  EXPECT_TRUE(in_mirror());
  clock_.advance(1ms);
  EXPECT_TRUE(purge_.run_once());
  EXPECT_FALSE(in_ledger());
}

TEST_F(PurgeTest, ATombstoneThatChangesMeanwhileIsNewAgain) {
  clock_.advance(keep + 1ms);
  EXPECT_TRUE(purge_.run_once());
  ledger_.edit([](MemoryLedgerStore::State& state) { ++state.carts.begin()->second.cart.version; });
  clock_.advance(stood_for());
  EXPECT_TRUE(purge_.run_once());
  EXPECT_TRUE(in_ledger());
}

TEST_F(PurgeTest, ACartThatAnotherInstanceIsAboutToRepairIsKept) {
  grow_old();
  before_open([this] {
    const std::array behind{commit::Listed{user("u"), 0}};
    EXPECT_TRUE(ledger_.connect()->add_lag(behind));
  });
  EXPECT_TRUE(purge_.run_once());
  EXPECT_TRUE(in_ledger());
}

TEST_F(PurgeTest, WhatAnotherInstanceHasJustRepairedGoesWithTheRow) {
  grow_old();
  const auto document = mirror_.document(user("u"));
  before_open(
      [&] { mirror_.edit([&](auto& documents) { documents.emplace(document->id, *document); }); });
  EXPECT_TRUE(purge_.run_once());
  EXPECT_FALSE(in_ledger());
  EXPECT_FALSE(in_mirror());
}

TEST_F(PurgeTest, AMirrorThatHasGoneIsAskedOnceNotOnceAPage) {
  make_old_tombstones(2 * upkeep::purge_page_carts);
  mirror_.faults.down(Error{Errc::store_unreachable, {}, "gone"});
  const auto before = mirror_.faults.calls(MirrorCall::purge);
  EXPECT_TRUE(purge_.run_once());
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::purge), before + 1);
}

TEST_F(PurgeTest, EndsBehindAPageWhenItIsToStop) {
  make_old_tombstones(2 * upkeep::purge_page_carts);
  const auto before = ledger_.state().carts.size();
  go_on_ = false;
  EXPECT_TRUE(purge_.run_once());
  EXPECT_EQ(ledger_.state().carts.size(), before - upkeep::purge_page_carts);
  go_on_ = true;
  EXPECT_TRUE(purge_.run_once());
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(PurgeTest, TakesOldTombstonesFromBothAndRaisesTheFloor) {
  const auto gone = version();
  run();
  EXPECT_TRUE(in_ledger()) << "not old enough";
  clock_.advance(keep + 1ms);
  run();
  EXPECT_FALSE(in_ledger());
  EXPECT_FALSE(in_mirror());
  EXPECT_EQ(ledger_.state().floor, gone);
}

TEST_F(PurgeTest, ANewLifeStartsAboveTheFloorWithAnIdOfItsOwn) {
  const auto old = ledger_.state().carts.at(user("u"));
  clock_.advance(keep + 1ms);
  run();
  clock_.set_wall(clock_.wall() - 48h); // the floor holds where the clock does not
  make_cart(*instance_, "u");
  EXPECT_GT(version(), old.cart.version);
  EXPECT_NE(ledger_.state().carts.at(user("u")).cart.id, old.cart.id);
  EXPECT_EQ(differences(), "");
}

TEST_F(PurgeTest, StopsWhereTheMirrorDoesNotAnswer) {
  clock_.advance(keep + 1ms);
  mirror_.faults.fail_next(MirrorCall::purge, {.error = timed_out(), .effect = true});
  run();
  EXPECT_TRUE(in_ledger()) << "mirror first";
  EXPECT_FALSE(in_mirror());
  run();
  EXPECT_FALSE(in_ledger());
}

TEST_F(PurgeTest, AMirrorAtAnotherVersionKeepsTheTombstone) {
  clock_.advance(keep + 1ms);
  mirror_.edit([](auto& docs) { ++docs.begin()->second.version; });
  run();
  EXPECT_TRUE(in_ledger());
  EXPECT_TRUE(in_mirror());
}

TEST_F(PurgeTest, AListedCartIsKept) {
  clock_.advance(keep + 1ms);
  for (const bool reserved : {true, false}) {
    ledger_.edit([&](MemoryLedgerStore::State& state) {
      commit::LaneRow row{.key = {"other", 0}};
      row.token = commit::Token({5});
      (reserved ? row.reserved : row.in_flight).push_back({user("u"), commit::Version{9}});
      state.lanes[row.key] = row;
    });
    run();
    EXPECT_TRUE(in_ledger()) << (reserved ? "reserved" : "in flight");
  }
  ledger_.edit([](MemoryLedgerStore::State& state) { state.lanes.erase({"other", 0}); });
  run();
  EXPECT_FALSE(in_ledger());
}

TEST_F(PurgeTest, ACartThatRevivesMeanwhileLives) {
  clock_.advance(keep + 1ms);
  Asked revived;
  mirror_.faults.on_call([&](MirrorCall call) { // between the look and the lock
    if (call == MirrorCall::purge) {
      mirror_.faults.on_call(nullptr);
      revived = ask(*instance_, add("u"));
      settle(*instance_);
    }
    return std::optional<Fault>{};
  });
  run();
  EXPECT_EQ(revived.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(PurgeTest, ACartThatRevivesAfterTheMirrorsPurgeLives) {
  clock_.advance(keep + 1ms);
  Asked revived;
  ledger_.faults.on_call([&](LedgerCall call) { // gone from the mirror, not yet locked
    if (call == LedgerCall::open) {
      ledger_.faults.on_call(nullptr);
      revived = ask(*instance_, add("u"));
      settle(*instance_);
    }
    return std::optional<Fault>{};
  });
  run();
  EXPECT_EQ(revived.outcome(), "ok");
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(PurgeTest, AReservationTakenAfterTheMirrorsPurgeIsSeenUnderTheLock) {
  clock_.advance(keep + 1ms);
  Asked revived;
  ledger_.faults.on_call([&](LedgerCall call) {
    if (call == LedgerCall::open) {
      ledger_.faults.on_call(nullptr);
      revived = ask(*instance_, add("u"));
      (void)instance_->lane.run_once(); // listed, not settled
    }
    return std::optional<Fault>{};
  });
  run();
  EXPECT_TRUE(in_ledger());
  settle(*instance_);
  EXPECT_EQ(revived.outcome(), "ok");
  EXPECT_EQ(differences(), "");
}

TEST_F(PurgeTest, ATombstoneThatTheMirrorNeverHeardOfGoesToo) {
  mirror_state_.failed(unreachable()); // refused before anything is sent
  policy_ = Policy::strict;
  ledger_.edit([this](MemoryLedgerStore::State& state) {
    commit::CartRow row{.user = user("never")};
    row.updated_at = clock_.wall();
    state.carts.emplace(row.user, row);
  });
  clock_.advance(keep + 1ms);
  run();
  EXPECT_FALSE(ledger_.state().carts.contains(user("never")));
}

TEST_F(PurgeTest, OldKeysGoAndTheirRequestsAreNewAgain) {
  commit::Idempotency key;
  key.key[0] = 3;
  const auto first = ask(*instance_, add("v"), key);
  settle(*instance_);
  EXPECT_EQ(ledger_.state().keys.size(), 1U);
  clock_.advance(keep);
  EXPECT_TRUE(purge_.run_once());
  EXPECT_EQ(ledger_.state().keys.size(), 1U);
  clock_.advance(1ms);
  EXPECT_TRUE(purge_.run_once());
  EXPECT_TRUE(ledger_.state().keys.empty());
}

} // namespace
} // namespace panier::test
