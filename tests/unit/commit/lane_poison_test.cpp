// Rows that the ledger refuses: one cart's, or everybody's.
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class LanePoisonTest : public House {
protected:
  std::unique_ptr<Instance> instance_ = start("one");
};

TEST_F(LanePoisonTest, ALedgerThatRefusesEveryRowQuarantinesNobody) {
  constexpr int carts = 5;
  const auto name = [](int i) { return "u" + std::to_string(i); };
  for (int i = 0; i < carts; ++i)
    make_cart(*instance_, name(i));
  ledger_state_.leave_to_probe();
  bool refuses = true;
  ledger_.refuse_rows([&](const commit::CartRow&) { return refuses; });
  for (int round = 0; round < 2 * commit::poison_aborts_max; ++round) {
    std::vector<Asked> asked;
    for (int i = 0; i < carts; ++i)
      asked.push_back(ask(*instance_, add(name(i))));
    settle(*instance_);
    for (const auto& one : asked)
      EXPECT_FALSE(one.ok());
    EXPECT_EQ(ledger_state_.snapshot().status, runtime::StoreState::Status::down);
    clock_.advance(11s); // what cannot be aborted is tried again
    ledger_state_.found_up(1ms);
    settle(*instance_);
  }
  refuses = false;
  clock_.advance(11s);
  ledger_state_.found_up(1ms);
  settle(*instance_);
  for (int i = 0; i < carts; ++i) {
    const auto asked = ask(*instance_, add(name(i)));
    settle(*instance_);
    EXPECT_EQ(asked.outcome(), "ok");
    EXPECT_EQ(ledger_lines(name(i)), std::vector{line("a", 2)});
  }
  EXPECT_EQ(ledger_state_.snapshot().status, runtime::StoreState::Status::up);
  EXPECT_NE(metrics_.text().find("panier_quarantined_carts 0\n"), std::string::npos);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LanePoisonTest, ARefusalWhileNoRowIsTakenIsNoStrike) {
  make_cart(*instance_, "u");
  bool refuses = true;
  ledger_.refuse_rows([&](const commit::CartRow&) { return refuses; });
  for (int i = 0; i < 2 * commit::poison_aborts_max; ++i) {
    const auto asked = ask(*instance_, add("u"));
    settle(*instance_);
    EXPECT_FALSE(asked.ok());
    clock_.advance(11s); // what cannot be aborted is tried again
    settle(*instance_);
  }
  refuses = false;
  clock_.advance(11s);
  settle(*instance_);
  const auto asked = ask(*instance_, add("u"));
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
}

TEST_F(LanePoisonTest, ACartWhoseRowIsRefusedFailsAloneAndIsQuarantinedAfterThree) {
  ledger_.refuse_rows([](const commit::CartRow& row) {
    return row.user == user("bad") && row.cart.lines.size() == 1;
  });
  for (int i = 0; i < commit::poison_aborts_max; ++i) {
    const auto bad = ask(*instance_, add("bad"));
    const auto good = ask(*instance_, add("good"));
    settle(*instance_, 50);
    EXPECT_EQ(bad.outcome(), "internal") << i;
    EXPECT_EQ(good.outcome(), "ok") << i;
  }
  const auto late = ask(*instance_, add("bad"));
  settle(*instance_);
  EXPECT_EQ(late.outcome(), "cart_quarantined");
  repair();
  EXPECT_EQ(differences(), "");

  EXPECT_NE(metrics_.text().find("panier_quarantined_carts 1\n"), std::string::npos);
  ledger_.refuse_rows({});
  clock_.advance(commit::quarantine_time);
  settle(*instance_); // nobody writes the cart: the heartbeat does it
  EXPECT_NE(metrics_.text().find("panier_quarantined_carts 0\n"), std::string::npos);
  const auto after = ask(*instance_, add("bad"));
  settle(*instance_);
  EXPECT_EQ(after.outcome(), "ok");
}

TEST_F(LanePoisonTest, ACartWhoseOldContentIsRefusedTooHoldsUpNobodyElse) {
  make_cart(*instance_, "bad");
  ledger_.refuse_rows([](const commit::CartRow& row) { return row.user == user("bad"); });
  const auto bad = ask(*instance_, add("bad"));
  const auto good = ask(*instance_, add("good"));
  settle(*instance_, 50);
  EXPECT_EQ(bad.outcome(), "internal");
  EXPECT_EQ(good.outcome(), "ok");
  const auto other = ask(*instance_, add("other"));
  settle(*instance_, 50);
  EXPECT_EQ(other.outcome(), "ok");
  EXPECT_EQ(instance_->lane.run_once(), Lane::Did::nothing) << "it is not tried in a loop";
  EXPECT_EQ(ledger_.state().lanes.at({"one", 0}).reserved.size(), 1U) << "but stays listed";

  ledger_.refuse_rows({});
  clock_.advance(2 * commit::heartbeat_every);
  settle(*instance_, 50);
  EXPECT_TRUE(ledger_.state().lanes.at({"one", 0}).reserved.empty());
  const auto after = ask(*instance_, add("bad"));
  settle(*instance_, 50);
  EXPECT_EQ(after.outcome(), "ok");
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(LanePoisonTest, OneRefusedWriteBesideOneInFlightIsOneStrike) {
  policy_ = commit::Policy::available;
  const auto first = ask(*instance_, add("u"));
  (void)instance_->lane.run_once(); // visible; the mirror's word is outstanding
  ledger_.refuse_rows([](const commit::CartRow& row) { return row.user == user("u"); });
  const auto refused = ask(*instance_, add("u"));
  settle(*instance_, 50);
  EXPECT_EQ(refused.outcome(), "internal");
  ledger_.refuse_rows({});
  const auto after = ask(*instance_, add("u"));
  settle(*instance_, 50);
  EXPECT_EQ(after.outcome(), "ok");
}

} // namespace
} // namespace panier::test
