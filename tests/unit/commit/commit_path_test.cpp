// The path as a whole: threads, deadlines and a stop. Its threads wait on the real clock, so this
// one does too; nothing here depends on how fast it runs.
#include "commit/commit_path.hpp"

#include <future>

#include "support/memory_house.hpp"

namespace panier::test {
namespace {

class CommitPathTest : public ::testing::Test {
protected:
  void start(std::chrono::milliseconds request_timeout = 60s, int lanes = 4) {
    make(request_timeout, lanes);
    path_->start();
  }
  // Without its threads: a test takes the lanes' steps.
  void make(std::chrono::milliseconds request_timeout = 60s, int lanes = 4) {
    commit::LaneShared shared{.clock = clock_,
                              .metrics = metrics_,
                              .ledger_state = ledger_state_,
                              .mirror_state = mirror_state_,
                              .policy = policy_,
                              .timing = {.request_timeout = request_timeout},
                              .limits = {}};
    path_ = std::make_unique<commit::CommitPath>(
        commit::CommitPath::Settings{.instance = "one", .lanes = lanes}, shared, ledger_, &mirror_);
  }
  std::future<Result<Receipt>> submit(cart::Operation wanted) {
    auto promise = std::make_shared<std::promise<Result<Receipt>>>();
    path_->submit({std::move(wanted), {}}, [promise](Result<Receipt> result) {
      promise->set_value(std::move(result)); // throws when it is answered twice
    });
    return promise->get_future();
  }
  static std::string outcome(std::future<Result<Receipt>>& answer) {
    if (answer.wait_for(30s) != std::future_status::ready) return "";
    const auto result = answer.get();
    return result ? "ok" : std::string(to_string(result.error().code));
  }

  runtime::SystemClock clock_;
  MemoryLedgerStore ledger_{clock_};
  MemoryMirrorStore mirror_;
  runtime::StoreState ledger_state_{"memory_ledger", clock_};
  runtime::StoreState mirror_state_{"memory_mirror", clock_};
  runtime::Metrics metrics_{"test", clock_};
  std::atomic<Policy> policy_{Policy::strict};
  std::unique_ptr<commit::CommitPath> path_; // last: goes first
};

TEST_F(CommitPathTest, ManyThreadsManyCartsEveryAcknowledgedAddIsThereOnce) {
  constexpr int clients = 4, adds = 100, carts = 10;
  start();
  std::atomic<int> ok{0};
  {
    std::vector<std::jthread> threads;
    for (int n = 0; n < clients; ++n) {
      threads.emplace_back([&, n] {
        std::vector<std::future<Result<Receipt>>> answers;
        for (int i = 0; i < adds; ++i)
          answers.push_back(submit(add("u" + std::to_string((i + n) % carts))));
        for (auto& answer : answers)
          ok += outcome(answer) == "ok" ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(ok, clients * adds);
  path_->stop(10s);
  std::int64_t total = 0;
  for (const auto& [user, row] : ledger_.state().carts) {
    const auto doc = mirror_.document(user);
    ASSERT_TRUE(doc);
    EXPECT_EQ(doc->lines, row.cart.lines);
    EXPECT_EQ(doc->version, row.cart.version);
    for (const auto& one : row.cart.lines)
      total += one.quantity.thousandths() / 1000;
  }
  EXPECT_EQ(total, clients * adds);
}

TEST_F(CommitPathTest, AWriteThatComesTooLateIsNotDone) {
  start();
  auto promise = std::make_shared<std::promise<Result<Receipt>>>();
  path_->submit({.operation = add("u"), .idempotency = {}, .deadline = clock_.steady() - 1s},
                [promise](Result<Receipt> result) { promise->set_value(std::move(result)); });
  auto answer = promise->get_future();
  EXPECT_EQ(outcome(answer), "overloaded");
  path_->stop(10s);
  EXPECT_TRUE(ledger_.state().carts.empty());
}

TEST_F(CommitPathTest, ACartThatIsRefusedIsQuarantinedWhicheverLanesCarriedIt) {
  make(60s, 2);
  ledger_.refuse_rows([](const commit::CartRow& row) { return !row.cart.lines.empty(); });
  const auto carried_by = [&](std::size_t lane) {
    auto answer = submit(add("bad"));
    for (int i = 0; i < 50 && path_->lane(lane).run_once() != commit::Lane::Did::nothing; ++i) {
    }
    return outcome(answer);
  };
  EXPECT_EQ(carried_by(0), "internal");
  EXPECT_EQ(carried_by(1), "internal");
  EXPECT_EQ(carried_by(0), "internal");
  EXPECT_EQ(carried_by(1), "cart_quarantined");
}

TEST_F(CommitPathTest, AReadIsAnsweredByTheReader) {
  start();
  auto written = submit(add("u"));
  ASSERT_EQ(outcome(written), "ok");
  std::promise<Result<commit::View>> seen;
  path_->read(user("u"), [&](auto view) { seen.set_value(std::move(view)); });
  EXPECT_EQ(seen.get_future().get()->cart.lines, std::vector{line("a", 1)});
}

TEST_F(CommitPathTest, WhatIsQueuedAtAStopIsCarriedOutAndLaterWritesAreRefused) {
  start();
  std::vector<std::future<Result<Receipt>>> answers;
  for (int i = 0; i < 50; ++i)
    answers.push_back(submit(add("u" + std::to_string(i))));
  path_->stop(10s);
  for (auto& answer : answers)
    EXPECT_EQ(outcome(answer), "ok");
  auto late = submit(add("u"));
  EXPECT_EQ(outcome(late), "shutting_down");
  for (const auto& [key, row] : ledger_.state().lanes)
    EXPECT_FALSE(row.token) << "settled";
}

// A driver call that hangs until it is let go.
class Gate {
public:
  void wait() {
    std::unique_lock lock(mutex_);
    arrived_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return arrived_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false, arrived_ = false; // guarded by mutex_
};

TEST_F(CommitPathTest, DeadlinesAreKeptWhileTheLaneHangsInADriverCall) {
  Gate gate;
  ledger_.faults.on_call([&](LedgerCall call) {
    if (call == LedgerCall::commit) gate.wait();
    return std::optional<Fault>{};
  });
  start(200ms, 1);
  auto taken = submit(add("u"));
  gate.wait_for_arrival();
  auto queued = submit(add("v"));
  const auto first = outcome(taken);
  // The lane's first round may have been a heartbeat; then the write was only queued.
  EXPECT_TRUE(first == "outcome_unknown" || first == "overloaded") << first;
  EXPECT_EQ(outcome(queued), "overloaded");
  gate.open();
  path_->stop(10s);
  EXPECT_FALSE(ledger_.state().carts.contains(user("v"))) << "past its deadline: not carried out";
}

TEST_F(CommitPathTest, ARefusalIsToldWithoutAQueue) {
  start();
  mirror_state_.failed(unreachable());
  auto refused = submit(add("u"));
  EXPECT_EQ(refused.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(outcome(refused), "mirror_unavailable");
}

} // namespace
} // namespace panier::test
