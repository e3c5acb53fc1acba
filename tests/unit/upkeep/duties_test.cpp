// Expiry, dead rows, and upkeep as a whole.
#include <cstdio>

#include "runtime/log.hpp"
#include "support/memory_house.hpp"
#include "upkeep/limits.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::test {
namespace {

class ExpiryTest : public House {
protected:
  static constexpr auto ttl = 48h;
  void SetUp() override { make_cart(*instance_, "u"); }
  void run(std::chrono::hours after = ttl) {
    upkeep::Expiry expiry(stores_, after,
                          [this](commit::WriteRequest request, commit::WriteDone done) {
                            ++submitted_;
                            auto write = std::make_shared<commit::PendingWrite>(
                                std::move(request), clock_.steady() + 10s, std::move(done));
                            EXPECT_TRUE(instance_->queue.push(write));
                            if (before_it_runs_) before_it_runs_();
                          });
    EXPECT_TRUE(expiry.run_once());
    settle(*instance_);
  }
  bool exists() { return ledger_.state().carts.at(user("u")).cart.exists; }

  std::unique_ptr<Instance> instance_ = start("one");
  upkeep::Stores stores_ = upkeep_stores();
  std::function<void()> before_it_runs_;
  int submitted_ = 0;
};

TEST_F(ExpiryTest, AnUntouchedCartIsDeletedInBothStores) {
  clock_.advance(ttl);
  run();
  EXPECT_TRUE(exists()) << "not yet";
  clock_.advance(1ms);
  run();
  EXPECT_FALSE(exists());
  EXPECT_FALSE(mirror_.document(user("u"))->exists);
  EXPECT_EQ(differences(), "");
}

TEST_F(ExpiryTest, ZeroMeansNever) {
  clock_.advance(24h * 1000);
  run(0h);
  EXPECT_EQ(submitted_, 0);
  EXPECT_TRUE(exists());
}

TEST_F(ExpiryTest, WhoeverWritesMeanwhileWins) {
  clock_.advance(ttl + 1ms);
  auto other = start("two", 2);
  before_it_runs_ = [&] {
    const auto asked = ask(*other, add("u"));
    settle(*other);
    EXPECT_EQ(asked.outcome(), "ok");
  };
  run();
  EXPECT_EQ(submitted_, 1);
  EXPECT_TRUE(exists());
  EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 2)});
}

// A lane that is never idle always has a list, each time another one.
TEST_F(House, ALaneWhoseBatchesChangeIsNotAbandonedHoweverLongItIsBusy) {
  auto stores = upkeep_stores();
  upkeep::AbandonedLists lists(stores);
  const auto list_batch = [&](std::uint8_t number) {
    ledger_.edit([&](MemoryLedgerStore::State& state) {
      commit::LaneRow row{.key = {"busy", 0}};
      row.token = commit::Token({number});
      row.expires_at = clock_.wall() + stores.reservation_ttl;
      row.reserved.push_back({user("u"), commit::Version{number}});
      state.lanes[row.key] = row;
    });
  };
  const auto listed = [&] { return ledger_.state().lanes.begin()->second.token.has_value(); };
  for (std::uint8_t number = 1; number <= 10; ++number) {
    list_batch(number);
    EXPECT_TRUE(lists.run_once());
    EXPECT_TRUE(listed()) << "batch " << int{number};
    clock_.advance(stores.reservation_ttl / 2);
  }
  clock_.set_wall(clock_.wall() - 1h); // now it stands still, and the ledger's clock does not tell
  list_batch(11);
  EXPECT_TRUE(lists.run_once());
  clock_.advance(stores.reservation_ttl);
  EXPECT_TRUE(listed());
  EXPECT_TRUE(lists.run_once());
  EXPECT_FALSE(listed());
}

class DeadRowsTest : public House {};

TEST_F(DeadRowsTest, EmptyRowsOfTheDeadGoAndTheLivingStay) {
  auto dead = start("dead", 1);
  auto living = start("living", 2);
  settle(*dead);
  auto stores = upkeep_stores();
  upkeep::AbandonedLists lists(stores);
  for (auto waited = 0ms; waited <= commit::dead_lane_after; waited += commit::heartbeat_every) {
    settle(*living);
    EXPECT_TRUE(lists.delete_dead_rows());
    EXPECT_TRUE(ledger_.state().lanes.contains({"dead", 0}));
    clock_.advance(commit::heartbeat_every);
  }
  EXPECT_TRUE(lists.delete_dead_rows());
  EXPECT_FALSE(ledger_.state().lanes.contains({"dead", 0}));
  EXPECT_TRUE(ledger_.state().lanes.contains({"living", 0}));
}

TEST_F(DeadRowsTest, AListKeepsItsRowUntilItIsAborted) {
  auto dead = start("dead", 1);
  const auto asked = ask(*dead, add("u"));
  (void)dead->lane.run_once();
  clock_.advance(commit::dead_lane_after + 1ms);
  auto stores = upkeep_stores();
  upkeep::AbandonedLists lists(stores);
  EXPECT_TRUE(lists.delete_dead_rows());
  EXPECT_TRUE(ledger_.state().lanes.contains({"dead", 0}));
  EXPECT_TRUE(lists.abort_all());
  EXPECT_FALSE(ledger_.state().lanes.at({"dead", 0}).token);
  settle(*dead);
  EXPECT_EQ(asked.outcome(), "ledger_unavailable");
}

class UpkeepTest : public House {
protected:
  std::unique_ptr<Instance> instance_ = start("one");
};

TEST_F(UpkeepTest, EachPieceHasItsOwnPace) {
  auto stores = upkeep_stores();
  upkeep::Upkeep upkeep(std::move(stores), {}, [](commit::WriteRequest, commit::WriteDone) {});
  upkeep.run_once();
  const int looks = ledger_.faults.calls(LedgerCall::lanes);
  upkeep.run_once();
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::lanes), looks);
  clock_.advance(upkeep::abandoned_every);
  upkeep.run_once();
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::lanes), looks + 1);
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::purgeable), 1);
}

TEST_F(UpkeepTest, TellsTheLagAndRepairsIt) {
  policy_ = Policy::available;
  mirror_state_.failed(unreachable());
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  upkeep::Upkeep upkeep(upkeep_stores(), {}, [](commit::WriteRequest, commit::WriteDone) {});
  upkeep.run_once();
  EXPECT_EQ(upkeep.lag(), 1);
  mirror_state_.answered({});
  clock_.advance(upkeep::lag_every);
  upkeep.run_once();
  EXPECT_EQ(upkeep.lag(), 0);
  EXPECT_EQ(differences(), "");
}

TEST_F(UpkeepTest, AsksNothingOfALedgerThatIsDown) {
  upkeep::Upkeep upkeep(upkeep_stores(), {}, [](commit::WriteRequest, commit::WriteDone) {});
  ledger_state_.failed(unreachable());
  upkeep.run_once();
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::lanes), 0);
}

TEST_F(UpkeepTest, OnePieceThatFailsDoesNotStopTheOthers) {
  ledger_.faults.fail_next(LedgerCall::lag_count, {timed_out()});
  upkeep::Upkeep upkeep(upkeep_stores(), {}, [](commit::WriteRequest, commit::WriteDone) {});
  upkeep.run_once();
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::purgeable), 1);
}

TEST_F(UpkeepTest, APieceThatKeepsFailingIsToldOnceAMinute) {
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::tmpfile(), &std::fclose);
  upkeep::Upkeep upkeep(upkeep_stores(), {}, [](commit::WriteRequest, commit::WriteDone) {});
  const auto run = [&](std::chrono::seconds time) {
    for (const auto until = clock_.steady() + time; clock_.steady() < until; clock_.advance(200ms))
      upkeep.run_once();
  };
  {
    const runtime::log::Session log(runtime::log::Level::warn, clock_, ::fileno(file.get()));
    ledger_.faults.on_call([](LedgerCall call) -> std::optional<Fault> {
      if (call != LedgerCall::lanes) return std::nullopt;
      return Fault{.error = unreachable()};
    });
    run(59s);
    run(59s);
    ledger_.faults.on_call({});
    run(1s);
    ledger_.faults.fail_next(LedgerCall::lanes, {unreachable()});
    run(1s);
  }
  std::rewind(file.get());
  int lines = 0;
  for (int c = std::fgetc(file.get()); c != EOF; c = std::fgetc(file.get()))
    lines += c == '\n';
  EXPECT_EQ(lines, 1 + 1 + 1) << "at once, after a minute, and the next failure";
}

TEST_F(UpkeepTest, ContinuousVerifyKeepsToItsPace) {
  ledger_.edit([&](MemoryLedgerStore::State& state) {
    for (int i = 0; i < 1'000; ++i) { // never told to the mirror, so nothing differs
      commit::CartRow row{.user = user("u" + std::to_string(i))};
      row.updated_at = clock_.wall(); // nothing to purge
      state.carts.emplace(row.user, row);
    }
  });
  const auto scans_in_3s = [&](int rows_per_s) {
    upkeep::Upkeep upkeep(upkeep_stores(), {.verify_rows_per_s = rows_per_s},
                          [](commit::WriteRequest, commit::WriteDone) {});
    const int before = ledger_.faults.calls(LedgerCall::scan);
    for (auto passed = 0ms; passed < 3s; passed += upkeep::tick) {
      upkeep.run_once();
      clock_.advance(upkeep::tick);
    }
    return ledger_.faults.calls(LedgerCall::scan) - before;
  };
  static_assert(upkeep::Verify::page_carts == 200);
  EXPECT_EQ(scans_in_3s(0), 0);
  EXPECT_EQ(scans_in_3s(1), 3);
  EXPECT_EQ(scans_in_3s(200), 3);
  EXPECT_EQ(scans_in_3s(300), 3 * 2) << "a page and a half";
}

} // namespace
} // namespace panier::test
