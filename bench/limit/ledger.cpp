#include "limit.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "app/stores.hpp"
#include "commit/commit_path.hpp"
#include "program.hpp"
#include "runtime/log.hpp"

namespace panier::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Yes, it is there, durable.
class AgreeableMirror final : public commit::Mirror {
public:
  Result<std::vector<commit::Took>> write(std::span<const commit::MirrorWrite> writes,
                                          Timeout) override {
    return std::vector(writes.size(), commit::Took::held);
  }
  // Nobody asks on this path.
  Result<std::vector<commit::MirrorDoc>> find(std::span<const commit::UserId>, Timeout) override {
    return never();
  }
  Result<void> ping(Timeout) override { return never(); }
  Result<commit::IndexState> ensure_index(bool, Timeout) override { return never(); }
  Result<bool> purge(const commit::UserId&, commit::Version, Timeout) override { return never(); }
  Result<void> remove(const commit::CartId&, Timeout) override { return never(); }
  Result<void> clear_way(const commit::UserId&, const commit::CartId&, Timeout) override {
    return never();
  }
  Result<Page> scan(const std::optional<commit::UserId>&, int, Timeout) override { return never(); }

private:
  static std::unexpected<Error> never() {
    return fail(Errc::internal, "a mirror for writes alone");
  }
};

class AgreeableMirrorStore final : public commit::MirrorStore {
public:
  [[nodiscard]] std::string_view name() const noexcept override { return "agreeable"; }
  [[nodiscard]] std::unique_ptr<commit::Mirror> connect() override {
    return std::make_unique<AgreeableMirror>();
  }
};

app::OpenStores ledger_of(const LedgerRun& run, const runtime::Clock& clock) {
  auto stores = must(
      app::open_stores(settings_from_environment(run.store, "none"), clock, app::Access::serve));
  must(stores.ledger->prepare());
  return stores;
}

// The commit path and all it needs.
struct Bench {
  explicit Bench(const LedgerRun& run)
      : stores(ledger_of(run, clock)), metrics("limit", clock),
        ledger_state(std::string(stores.ledger->name()), clock), mirror_state("agreeable", clock),
        path({.instance = "limit-" + std::to_string(clock.wall().time_since_epoch().count()),
              .lanes = run.lanes},
             {.clock = clock,
              .metrics = metrics,
              .ledger_state = ledger_state,
              .mirror_state = mirror_state,
              .policy = policy,
              .timing = {},
              .limits = {}},
             *stores.ledger, &mirror) {
    path.start();
  }

  const runtime::SystemClock clock;
  app::OpenStores stores;
  AgreeableMirrorStore mirror;
  runtime::Metrics metrics;
  runtime::StoreState ledger_state, mirror_state;
  std::atomic<commit::Policy> policy{commit::Policy::strict};
  commit::CommitPath path;
};

// So many operations outstanding, each followed by the next. The path's threads only leave word;
// this thread submits.
class ClosedLoop {
public:
  explicit ClosedLoop(commit::CommitPath& path) : path_(path) {}
  ~ClosedLoop() { await_all(); }
  ClosedLoop(const ClosedLoop&) = delete;
  ClosedLoop& operator=(const ClosedLoop&) = delete;

  void write(cart::Operation operation) {
    ++outstanding_;
    path_.submit({.operation = std::move(operation), .idempotency = std::nullopt},
                 [this](Result<commit::Receipt> receipt) { ended(receipt.has_value()); });
  }
  void read(cart::UserId user) {
    ++outstanding_;
    path_.read(std::move(user), [this](Result<commit::View> view) { ended(view.has_value()); });
  }

  struct Ended {
    std::int64_t good = 0, failed = 0;
    [[nodiscard]] std::int64_t all() const { return good + failed; }
  };
  // Waits until at least one has ended; none is outstanding any more that is counted here.
  Ended await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_.all() > 0; });
    const auto ended = std::exchange(ended_, {});
    outstanding_ -= ended.all();
    return ended;
  }
  Ended await_all() {
    Ended sum;
    while (outstanding_ > 0) {
      const auto some = await();
      sum.good += some.good;
      sum.failed += some.failed;
    }
    return sum;
  }

private:
  void ended(bool good) {
    const std::scoped_lock lock(mutex_);
    ++(good ? ended_.good : ended_.failed);
    if (ended_.all() == 1) changed_.notify_one(); // within the lock: the loop may end with the last
  }

  commit::CommitPath& path_;
  std::int64_t outstanding_ = 0; // the submitting thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  Ended ended_; // guarded by mutex_
};

// Which carts are not there?
std::vector<int> missing_carts(commit::CommitPath& path, const Population& carts) {
  constexpr int reads_at_once = 4'096; // below the reader's queue_max
  std::vector<char> there(static_cast<std::size_t>(carts.carts));
  for (int from = 0; from < carts.carts; from += reads_at_once) {
    const int to = std::min(carts.carts, from + reads_at_once);
    std::atomic<int> left = to - from;
    for (int index = from; index < to; ++index) {
      path.read(user_of(carts, index), [&, index](const Result<commit::View>& view) {
        there[static_cast<std::size_t>(index)] = view.has_value();
        if (--left == 0) left.notify_one();
      });
    }
    for (int now = left; now != 0; now = left)
      left.wait(now);
  }
  std::vector<int> missing;
  for (int index = 0; index < carts.carts; ++index)
    if (there[static_cast<std::size_t>(index)] == 0) missing.push_back(index);
  return missing;
}

void make_missing(commit::CommitPath& path, const Population& carts) {
  constexpr int writes_at_once = 2'048;
  ClosedLoop loop(path);
  std::int64_t outstanding = 0, failed = 0;
  const auto missing = missing_carts(path, carts);
  for (const int index : missing) {
    for (int line = 1; line <= carts.lines; ++line) {
      loop.write({.kind = cart::OperationKind::edit,
                  .user = user_of(carts, index),
                  .line = article_of(line),
                  .quantity = cart::Quantity::of(500),
                  .if_match = std::nullopt});
      if (++outstanding < writes_at_once) continue;
      const auto ended = loop.await();
      outstanding -= ended.all();
      failed += ended.failed;
    }
  }
  failed += loop.await_all().failed;
  if (failed > 0)
    throw std::runtime_error(std::to_string(failed) + " writes failed while carts were made");
}

} // namespace

Rate run_ledger(const LedgerRun& run) {
  Bench bench(run);
  make_missing(bench.path, run.carts);

  Workload workload(run.mix, run.carts, 1);
  ClosedLoop loop(bench.path);
  const auto submit = [&](std::int64_t count) {
    for (; count > 0; --count) {
      if (workload.next_is_read())
        loop.read(workload.user());
      else
        loop.write(workload.write());
    }
  };
  submit(run.clients);
  const auto until = [&](Clock::time_point end) {
    Rate rate;
    const auto begin = Clock::now();
    auto now = begin;
    for (; now < end; now = Clock::now()) {
      const auto ended = loop.await();
      rate.operations += ended.good;
      rate.failed += ended.failed;
      submit(ended.all());
    }
    rate.time = now - begin;
    return rate;
  };
  static_cast<void>(until(Clock::now() + warm_up));
  const auto rate = until(Clock::now() + run.time);
  loop.await_all();
  bench.path.stop(std::chrono::seconds(2));
  return rate;
}

} // namespace panier::bench
