// Reads: from the ledger, from the mirror while the ledger is away, an error when both are.
#include "commit/reader.hpp"
#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class ReaderTest : public House {
protected:
  void SetUp() override { make_cart(*instance_, "u"); }
  using Answers = std::vector<Result<commit::View>>;
  std::shared_ptr<Answers> read(std::string_view who) {
    auto answers = std::make_shared<Answers>();
    reader_.submit(user(who), [answers](auto view) { answers->push_back(std::move(view)); });
    return answers;
  }
  Result<commit::View> read_now(std::string_view who) {
    const auto answers = read(who);
    reader_.run_once();
    return answers->size() == 1 ? answers->front() : fail(Errc::internal, "not answered once");
  }
  Errc error_of(std::string_view who) { return read_now(who).error().code; }

  std::unique_ptr<Instance> instance_ = start("one");
  commit::Reader reader_{clock_, ledger_state_, mirror_state_, ledger_.connect(), mirror_.connect(),
                         4};
};

TEST_F(ReaderTest, ManyReadsAreOneQuestion) {
  const auto first = read("u"), second = read("u"), third = read("nobody");
  EXPECT_TRUE(reader_.run_once());
  EXPECT_FALSE(reader_.run_once());
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::read), 1);
  EXPECT_EQ(first->at(0)->cart.lines, std::vector{line("a", 1)});
  EXPECT_FALSE(first->at(0)->degraded);
  EXPECT_EQ(second->at(0)->cart.version, first->at(0)->cart.version);
  EXPECT_EQ(third->at(0).error().code, Errc::cart_not_found);
}

TEST_F(ReaderTest, AReservedWriteIsNotShown) {
  const auto asked = ask(*instance_, add("u", "a", 10));
  (void)instance_->lane.run_once();
  EXPECT_EQ(read_now("u")->cart.lines, std::vector{line("a", 1)});
  settle(*instance_);
  EXPECT_EQ(read_now("u")->cart.lines, std::vector{line("a", 11)});
}

TEST_F(ReaderTest, ADeletedCartIsNotFound) {
  const auto asked = ask(*instance_, operation(OperationKind::erase, "u"));
  settle(*instance_);
  EXPECT_EQ(error_of("u"), Errc::cart_not_found);
  ledger_.faults.down(unreachable());
  EXPECT_EQ(error_of("u"), Errc::cart_not_in_mirror) << "a degraded read says so here too";
}

TEST_F(ReaderTest, TheMirrorAnswersWhileTheLedgerIsAwayAndSaysSo) {
  ledger_.faults.down(unreachable());
  const auto view = read_now("u");
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->degraded);
  EXPECT_EQ(view->cart.lines, std::vector{line("a", 1)});
  EXPECT_TRUE(ledger_state_.down());
  const int asked = ledger_.faults.calls(LedgerCall::read);
  EXPECT_TRUE(read_now("u"));
  EXPECT_EQ(ledger_.faults.calls(LedgerCall::read), asked) << "known to be down: not asked";
}

TEST_F(ReaderTest, AConflictSaysNothingOfTheLedger) {
  ledger_.faults.fail_next(LedgerCall::read, {{Errc::store_conflict, {}, "the table is altered"}});
  EXPECT_TRUE(read_now("u")->degraded);
  EXPECT_FALSE(ledger_state_.down());
  EXPECT_FALSE(read_now("u")->degraded);
}

TEST_F(ReaderTest, BothAwayIsAnError) {
  ledger_.faults.down(unreachable());
  mirror_.faults.down(timed_out());
  EXPECT_EQ(error_of("u"), Errc::stores_unavailable);
  EXPECT_EQ(error_of("u"), Errc::stores_unavailable);
}

TEST_F(ReaderTest, WithoutAMirrorTheLedgerAloneCounts) {
  commit::Reader alone(clock_, ledger_state_, mirror_state_, ledger_.connect(), nullptr, 4);
  ledger_.faults.down(unreachable());
  Answers answers;
  alone.submit(user("u"), [&](auto view) { answers.push_back(std::move(view)); });
  alone.run_once();
  EXPECT_EQ(answers.at(0).error().code, Errc::ledger_unavailable);
}

TEST_F(ReaderTest, AnUnreadableCartIsNeverShownAsEmpty) {
  ledger_.edit([](MemoryLedgerStore::State& state) {
    auto& row = state.carts.at(user("u"));
    row.unreadable = "[oops";
    row.cart.lines.clear();
  });
  EXPECT_EQ(error_of("u"), Errc::internal);
}

TEST_F(ReaderTest, AFullQueueSaysSoAtOnce) {
  std::vector<std::shared_ptr<Answers>> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(read("u"));
  EXPECT_EQ(read("u")->at(0).error().code, Errc::overloaded);
  reader_.run_once();
  for (const auto& answers : waiting)
    EXPECT_TRUE(answers->at(0));
}

TEST_F(ReaderTest, AClosedReaderAnswersWhatIsQueuedAndRefusesTheRest) {
  const auto queued = read("u");
  reader_.close();
  EXPECT_EQ(read("u")->at(0).error().code, Errc::shutting_down);
  reader_.run(); // ends by itself
  EXPECT_TRUE(queued->at(0));
}

TEST_F(ReaderTest, AReaderThatEndsAnswersWhatIsLeft) {
  Answers answers;
  {
    commit::Reader gone(clock_, ledger_state_, mirror_state_, ledger_.connect(), nullptr, 4);
    gone.submit(user("u"), [&](auto view) { answers.push_back(std::move(view)); });
  }
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().code, Errc::shutting_down);
}

} // namespace
} // namespace panier::test
