// When the articles service is asked, and what becomes of its answers. The commit path has threads,
// so the clock is real; nothing here depends on how fast they run.
#include "service/live_cart_service.hpp"

#include <future>

#include "support/memory_house.hpp"

namespace panier::test {
namespace {

using catalogue::Finding;
using service::UnknownStock;
using State = Finding::State;

// Answers at once with what `now` is, and remembers what it was asked.
class FakeArticles final : public catalogue::Articles {
public:
  void ask(catalogue::Order order) override {
    Finding finding{.state = State::unavailable, .article = nullptr, .age = {}};
    {
      std::lock_guard lock(mutex_);
      asked.push_back(order.articles);
      fresh_only.push_back(order.fresh_only);
      finding = now;
    }
    order.answer(std::vector(order.articles.size(), finding));
  }
  [[nodiscard]] std::chrono::milliseconds timeout() const override { return 2s; }

  void stock(int pieces) {
    auto article = std::make_shared<catalogue::Article>();
    article->members = R"("name":"n")";
    article->stock = Quantity::of(pieces);
    now = {.state = State::fresh, .article = std::move(article), .age = {}};
  }
  void trouble(State state) { now = {.state = state, .article = nullptr, .age = {}}; }

  Finding now{};
  std::vector<std::vector<std::string>> asked;
  std::vector<bool> fresh_only;

private:
  std::mutex mutex_;
};

class ServiceTest : public ::testing::Test {
protected:
  void start(UnknownStock unknown = UnknownStock::refuse, bool with_articles = true) {
    path_ = std::make_unique<commit::CommitPath>(
        commit::CommitPath::Settings{.instance = "one", .lanes = 2},
        commit::LaneShared{.clock = clock_,
                           .metrics = metrics_,
                           .ledger_state = ledger_state_,
                           .mirror_state = mirror_state_,
                           .policy = policy_,
                           .timing = {.request_timeout = 60s},
                           .limits = {}},
        ledger_, &mirror_);
    path_->start();
    service_ = std::make_unique<service::LiveCartService>(
        service::LiveCartService::Parts{.clock = clock_,
                                        .path = *path_,
                                        .ledger_state = ledger_state_,
                                        .mirror_state = &mirror_state_,
                                        .policy = policy_,
                                        .failures = failures_,
                                        .articles = with_articles ? &articles_ : nullptr,
                                        .unknown_stock = unknown,
                                        .request_timeout = 60s,
                                        .lag = [] { return std::int64_t{0}; },
                                        .instance = "one",
                                        .version = "test"});
  }
  std::string write(cart::Operation wanted, std::optional<commit::Idempotency> key = std::nullopt) {
    std::promise<Result<Receipt>> promise;
    service_->write({std::move(wanted), key},
                    [&](Result<Receipt> result) { promise.set_value(std::move(result)); });
    const auto result = promise.get_future().get();
    return result ? "ok" : std::string(to_string(result.error().code));
  }
  std::string edit(int quantity) {
    auto wanted = add("u", "a", quantity);
    wanted.kind = OperationKind::edit;
    return write(std::move(wanted));
  }
  service::ShownCart read() {
    std::promise<Result<service::ShownCart>> promise;
    service_->read(user("u"), [&](auto shown) { promise.set_value(std::move(shown)); });
    auto shown = promise.get_future().get();
    EXPECT_TRUE(shown);
    return *std::move(shown);
  }
  std::size_t asked() const { return articles_.asked.size(); }

  runtime::SystemClock clock_;
  MemoryLedgerStore ledger_{clock_};
  MemoryMirrorStore mirror_;
  runtime::StoreState ledger_state_{"memory_ledger", clock_};
  runtime::StoreState mirror_state_{"memory_mirror", clock_};
  runtime::Metrics metrics_{"test", clock_};
  runtime::FailureLog failures_{"/dev/null", clock_};
  std::atomic<Policy> policy_{Policy::strict};
  FakeArticles articles_;
  std::unique_ptr<commit::CommitPath> path_;
  std::unique_ptr<service::LiveCartService> service_;
};

TEST_F(ServiceTest, AnAddIsJudgedByAFreshStock) {
  start();
  articles_.stock(3);
  EXPECT_EQ(write(add("u", "a", 2)), "ok");
  EXPECT_EQ(write(add("u", "a", 2)), "stock_insufficient");
  EXPECT_EQ(write(add("u", "a", 1)), "ok");
  EXPECT_EQ(articles_.asked, (std::vector<std::vector<std::string>>{{"a"}, {"a"}, {"a"}}));
  EXPECT_EQ(articles_.fresh_only, (std::vector<bool>{true, true, true}));
}

TEST_F(ServiceTest, ReducingAndRemovingNeverAsk) {
  start();
  articles_.stock(9);
  ASSERT_EQ(write(add("u", "a", 9)), "ok");
  articles_.trouble(State::unavailable);
  EXPECT_EQ(write(add("u", "a", -1)), "ok");
  EXPECT_EQ(edit(5), "ok");
  EXPECT_EQ(edit(5), "ok");
  EXPECT_EQ(edit(0), "ok");
  auto removed = add("u");
  removed.kind = OperationKind::remove;
  EXPECT_EQ(write(std::move(removed)), "ok");
  EXPECT_EQ(asked(), 1u);
}

TEST_F(ServiceTest, AnEditThatRaisesAsksAndIsJudged) {
  start();
  articles_.stock(4);
  EXPECT_EQ(edit(4), "ok");
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(edit(2), "ok");
  EXPECT_EQ(edit(5), "stock_insufficient");
  EXPECT_EQ(asked(), 2u);
  articles_.trouble(State::not_found);
  EXPECT_EQ(edit(3), "article_not_found");
}

TEST_F(ServiceTest, AnUnknownStockIsRefused) {
  start();
  articles_.trouble(State::unavailable);
  EXPECT_EQ(write(add("u")), "stock_unknown");
  EXPECT_EQ(edit(1), "stock_unknown");
}

TEST_F(ServiceTest, OrAccepted) {
  start(UnknownStock::accept);
  articles_.trouble(State::late);
  EXPECT_EQ(write(add("u")), "ok");
  EXPECT_EQ(edit(7), "ok");
  articles_.trouble(State::not_found);
  EXPECT_EQ(write(add("u")), "article_not_found");
}

TEST_F(ServiceTest, ARepeatedRequestGetsItsFirstAnswerWhateverTheStockIsNow) {
  start();
  const commit::Idempotency key{.key = {1}, .fingerprint = {2}};
  articles_.stock(1);
  EXPECT_EQ(write(add("u"), key), "ok");
  for (const auto state : {State::unavailable, State::not_found, State::invalid}) {
    articles_.trouble(state);
    EXPECT_EQ(write(add("u"), key), "ok");
  }
  articles_.stock(0);
  EXPECT_EQ(write(add("u"), key), "ok");
  EXPECT_EQ(read().view.cart.lines, std::vector{line("a", 1)});
}

TEST_F(ServiceTest, WithoutAnArticlesServiceNothingIsJudgedOrFound) {
  start(UnknownStock::refuse, false);
  EXPECT_EQ(write(add("u", "a", 1'000)), "ok");
  EXPECT_FALSE(read().findings);
}

TEST_F(ServiceTest, ACartIsReadWithAFindingForEachLine) {
  start(UnknownStock::accept);
  articles_.stock(9);
  ASSERT_EQ(write(add("u", "b")), "ok");
  ASSERT_EQ(write(add("u", "a")), "ok");
  articles_.asked.clear();
  const auto shown = read();
  ASSERT_TRUE(shown.findings);
  EXPECT_EQ(shown.findings->size(), 2u);
  EXPECT_EQ(articles_.asked, (std::vector<std::vector<std::string>>{{"b", "a"}}));
  EXPECT_FALSE(articles_.fresh_only.back());
}

TEST_F(ServiceTest, NotReadyIsWhatAWriteIsTold) {
  start(UnknownStock::refuse, false);
  const auto told = [&] {
    const auto ready = service_->ready();
    const auto refusal = ready ? "ok" : std::string(to_string(ready.error().code));
    EXPECT_EQ(write(add("u")), refusal);
    return refusal;
  };
  EXPECT_EQ(told(), "ok");
  mirror_state_.set_notice("unique index missing"); // which, unlike "down", no lane takes back
  EXPECT_EQ(told(), "mirror_unavailable");
  service_->set_policy(Policy::available);
  EXPECT_EQ(told(), "ok");
  ledger_state_.set_notice("run panier migrate", runtime::StoreState::Forbids::reads_too);
  EXPECT_EQ(told(), "ledger_unavailable");
  service_->set_policy(Policy::strict);
  EXPECT_EQ(told(), "ledger_unavailable");
  ledger_state_.set_notice({});
  EXPECT_EQ(told(), "mirror_unavailable");
}

} // namespace
} // namespace panier::test
