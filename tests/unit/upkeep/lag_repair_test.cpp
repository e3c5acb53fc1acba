// Lag repair: the mirror is brought up to the ledger, and never to anything else.
#include "support/memory_house.hpp"
#include "upkeep/limits.hpp"

namespace panier::test {
namespace {

class LagRepairTest : public House {
protected:
  void SetUp() override { make_cart(*instance_, "u"); }
  // A cart that the mirror does not hold at all.
  void lose_document(std::string_view who) {
    mirror_.edit([&](MemoryMirrorStore::Documents& docs) {
      std::erase_if(docs, [&](const auto& doc) { return doc.second.user == user(who); });
    });
    mark(who);
  }
  void mark(std::string_view who) {
    const std::array behind{commit::Listed{user(who), 0}};
    ASSERT_TRUE(ledger_.connect()->add_lag(behind));
  }
  std::int64_t run() {
    const auto left = repair_.run_once();
    EXPECT_TRUE(left);
    return left.value_or(-1);
  }
  commit::Version version() { return ledger_.state().carts.at(user("u")).cart.version; }
  int bulks() { return mirror_.faults.calls(MirrorCall::write); }
  void set_mirror_version(commit::Version version) {
    mirror_.edit([&](auto& docs) {
      docs.begin()->second.version = version;
      docs.begin()->second.token = commit::Token({66});
    });
  }

  std::unique_ptr<Instance> instance_ = start("one");
  upkeep::Stores stores_ = upkeep_stores();
  upkeep::LagRepair repair_{stores_};
};

TEST_F(LagRepairTest, BringsTheMirrorUpAndForgetsTheLag) {
  lose_document("u");
  EXPECT_NE(differences(), "");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, ALagThatTheMirrorHasCaughtUpWithIsDone) {
  mark("u");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

// The version that the mirror was to reach went with what a restored backup did not have.
TEST_F(LagRepairTest, ALagAboveItsCartIsNotForEver) {
  const auto lost = version() + 3'600'000;
  ledger_.edit([&](MemoryLedgerStore::State& state) { state.lag[user("u")] = lost; });
  EXPECT_EQ(run(), 1);
  EXPECT_GT(version(), lost);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, WaitsForAMirrorThatIsDown) {
  lose_document("u");
  mirror_state_.failed(unreachable());
  const int before = bulks();
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(bulks(), before);
}

TEST_F(LagRepairTest, ABulkWithoutAnAnswerKeepsTheLag) {
  lose_document("u");
  mirror_.faults.fail_next(MirrorCall::write, {.error = timed_out(), .effect = true});
  EXPECT_EQ(run(), 1);
  EXPECT_TRUE(mirror_state_.down());
  mirror_state_.answered({});
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, ACartThatTheMirrorRefusesBacksOffAlone) {
  make_cart(*instance_, "v");
  lose_document("u");
  lose_document("v");
  mirror_.judge([](const commit::MirrorWrite& write) {
    return write.user == user("u") ? std::optional(MemoryMirrorStore::Verdict{Took::failed, false})
                                   : std::nullopt;
  });
  EXPECT_EQ(run(), 1);
  const int before = bulks();
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(bulks(), before) << "not its turn yet";
  mirror_.judge(nullptr);
  clock_.advance(upkeep::lag_retry_first);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, AWriteThatTheAnswerSaysNothingOfIsReadBack) {
  lose_document("u");
  mirror_.judge([](const commit::MirrorWrite&) {
    return std::optional(MemoryMirrorStore::Verdict{Took::unknown, true});
  });
  EXPECT_EQ(run(), 0) << "it is there, whatever the answer said";
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, AMirrorThatIsAheadIsGoneAboveWithTheLedgersContent) {
  const auto ahead = version() + 1'000'000'000;
  set_mirror_version(ahead);
  mark("u");
  EXPECT_EQ(run(), 1) << "raised; sent by the next pass";
  EXPECT_GT(version(), ahead);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)});
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, AVersionThatOnlyAHandCanHaveMadeIsNotFollowed) {
  set_mirror_version(std::numeric_limits<commit::Version>::max() - 1);
  mark("u");
  const auto before = version();
  EXPECT_EQ(run(), 1);
  const auto asked = mirror_.faults.calls(MirrorCall::find);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(mirror_.faults.calls(MirrorCall::find), asked) << "it backs off";
  EXPECT_EQ(version(), before);
}

TEST_F(LagRepairTest, AMirrorThatHasGoneIsAskedOnceNotOnceAPage) {
  for (int i = 0; i < 2 * upkeep::lag_page_carts; ++i) {
    make_cart(*instance_, "u" + std::to_string(i));
    mark("u" + std::to_string(i));
  }
  mirror_.faults.down(Error{Errc::store_unreachable, {}, "gone"});
  const auto before = bulks();
  run();
  EXPECT_EQ(bulks(), before + 1);
}

TEST_F(LagRepairTest, EndsBehindAPageWhenItIsToStop) {
  for (int i = 0; i < upkeep::lag_page_carts; ++i) {
    make_cart(*instance_, "u" + std::to_string(i));
    mark("u" + std::to_string(i));
  }
  mark("u");
  upkeep::LagRepair stopped(stores_, [] { return false; });
  EXPECT_EQ(stopped.run_once().value(), 1);
  EXPECT_EQ(run(), 0);
}

TEST_F(LagRepairTest, TheSameVersionWithAnotherTokenIsAheadToo) {
  const auto before = version();
  set_mirror_version(before);
  mark("u");
  run();
  EXPECT_GT(version(), before);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, AReservedVersionInTheMirrorIsNotAhead) {
  const auto before = version();
  mark("u");
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once(); // the mirror holds what is not visible yet
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(version(), before) << "its owner would find another base";
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, ALockedCartIsLeftForTheNextPass) {
  set_mirror_version(version() + 1000);
  mark("u");
  const auto before = version();
  const auto other = ledger_.connect();
  ASSERT_TRUE(other->open({.lane = {}, .wanted = {{user("u"), {}}}, .keys = {}}));
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(version(), before);
  other->rollback();
  run();
  EXPECT_GT(version(), before);
}

TEST_F(LagRepairTest, ARowThatTheLedgerRefusesDoesNotKeepTheOthers) {
  make_cart(*instance_, "v");
  set_mirror_version(version() + 1000); // u's
  mark("u");
  mirror_.edit([](MemoryMirrorStore::Documents& docs) {
    for (auto& [id, doc] : docs)
      doc.version += 1000;
  });
  mark("v");
  ledger_.refuse_rows([](const commit::CartRow& row) { return row.user == user("u"); });
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(run(), 1) << "v is raised and sent, u backs off";
  ledger_.refuse_rows(nullptr);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LagRepairTest, AThreadThatSleptThroughAPurgeSendsNothing) {
  lose_document("u");
  ledger_.faults.on_call([this](LedgerCall call) {
    if (call == LedgerCall::lagging) clock_.advance(stores_.reservation_ttl);
    return std::optional<Fault>{};
  });
  const int before = bulks();
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(bulks(), before);
}

TEST_F(LagRepairTest, AnUnreadableCartIsNotSentAsAnEmptyOne) {
  mark("u");
  ledger_.edit([](MemoryLedgerStore::State& state) {
    auto& row = state.carts.at(user("u"));
    row.unreadable = "[oops";
    row.cart.lines.clear();
    ++row.cart.version;
  });
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
}

TEST_F(LagRepairTest, AWriteThatCameMeanwhileKeepsItsLag) {
  lose_document("u");
  mirror_.faults.on_call([this](MirrorCall call) {
    if (call == MirrorCall::write) {
      mirror_.faults.on_call(nullptr);
      const std::array newer{commit::Listed{user("u"), version() + 5}};
      EXPECT_TRUE(ledger_.connect()->add_lag(newer));
    }
    return std::optional<Fault>{};
  });
  EXPECT_EQ(run(), 1);
}

} // namespace
} // namespace panier::test
