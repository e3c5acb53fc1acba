#include "threads.hpp"

#include <latch>

#include "commit/commit_path.hpp"
#include "support/memory_ledger.hpp"
#include "support/memory_mirror.hpp"
#include "upkeep/probe.hpp"
#include "upkeep/upkeep.hpp"

namespace panier::sim {
namespace {

using namespace std::chrono_literals;

constexpr int clients = 4;
constexpr int requests = 60; // of each
constexpr int carts = 3;
constexpr int last_requests = 40; // sent just before the stop
constexpr auto patience = 20s;    // above every deadline

class ThreadedRun {
public:
  std::vector<std::string> violations() {
    disturb();
    ledger_probe_.start();
    mirror_probe_.start();
    path_.start();
    upkeep_.start();
    if (!comes_true([this] { return ledger_state_.writable() && mirror_state_.writable(); }))
      return {"the probes never found the stores"};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < clients; ++i)
        threads.emplace_back([this] { ask(requests); });
    }
    for (int i = 0; i < last_requests; ++i)
      write(i);
    path_.stop(10s); // less than that, as soon as the lanes are done
    if (answered_ != asked_) complain("not everything was answered when the path had stopped");
    write(0);
    if (answered_ != asked_) complain("a write after the stop was not answered");
    upkeep_.stop();
    ledger_probe_.stop();
    mirror_probe_.stop();
    check_stores();
    return violations_;
  }

private:
  // Busy now and then, and away once: what is under way then fails, the probe notices its return.
  void disturb() {
    ledger_.faults.on_call([this](test::LedgerCall call) -> std::optional<test::Fault> {
      if (call != test::LedgerCall::open) return std::nullopt;
      const int count = ++opened_;
      if (count % 9 == 0) return test::Fault{{Errc::store_conflict, {}, "simulated: deadlock"}};
      if (count == 20) return test::Fault{{Errc::store_unreachable, {}, "simulated: cut"}};
      return std::nullopt;
    });
  }
  static bool comes_true(const std::function<bool()>& what) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!what()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  static cart::UserId user(int number) {
    return cart::UserId::parse("u" + std::to_string(number % carts)).value();
  }
  void ask(int times) {
    for (int i = 0; i < times; ++i) {
      const auto done = std::make_shared<std::latch>(2);
      write(i, done);
      path_.read(user(i), [done](const auto&) { done->count_down(); });
      done->wait();
      if (!ledger_state_.writable()) std::this_thread::sleep_for(20ms);
    }
  }
  void write(int number, const std::shared_ptr<std::latch>& done = {}) {
    ++asked_;
    const cart::Operation add{.kind = cart::OperationKind::add,
                              .user = user(number),
                              .line = cart::LineKey::parse("a"),
                              .quantity = cart::Quantity::of(1),
                              .if_match = {}};
    path_.submit({add, {}}, [this, done](const Result<commit::Receipt>& got) {
      ++answered_;
      if (got) ++acknowledged_;
      if (!got && got.error().code == Errc::outcome_unknown) ++unknown_;
      if (done) done->count_down();
    });
  }
  void complain(const std::string& what) { violations_.push_back("threads: " + what); }
  void check_stores() {
    const auto state = ledger_.state();
    std::int64_t shown = 0;
    for (const auto& [user, row] : state.carts) {
      for (const auto& line : row.cart.lines)
        shown += line.quantity.thousandths() / 1'000;
      const auto held = mirror_.document(user);
      const bool same = held && held->version == row.cart.version && held->lines == row.cart.lines;
      if (row.cart.version > 0 && !same && !state.lag.contains(user))
        complain(user.text() + " differs in the mirror, and no lag row says so");
    }
    if (shown < acknowledged_ || shown > acknowledged_ + unknown_)
      complain(std::to_string(acknowledged_) + " adds were acknowledged, " +
               std::to_string(unknown_) + " are unknown, " + std::to_string(shown) + " are there");
    for (const auto& [key, row] : state.lanes) {
      if (row.token) complain("a lane stopped with its list outstanding");
    }
    if (acknowledged_ == 0) complain("nothing was acknowledged");
  }

  const runtime::SystemClock clock_;
  runtime::Metrics metrics_{"sim", clock_};
  runtime::StoreState ledger_state_{"memory_ledger", clock_};
  runtime::StoreState mirror_state_{"memory_mirror", clock_};
  std::atomic<commit::Policy> policy_{commit::Policy::strict};
  std::atomic<int> opened_{0};
  test::MemoryLedgerStore ledger_{clock_};
  test::MemoryMirrorStore mirror_;
  std::atomic<int> asked_{0}, answered_{0}, acknowledged_{0}, unknown_{0};
  std::vector<std::string> violations_;
  commit::CommitPath path_{{.instance = "threads", .lanes = 2},
                           {.clock = clock_,
                            .metrics = metrics_,
                            .ledger_state = ledger_state_,
                            .mirror_state = mirror_state_,
                            .policy = policy_,
                            .timing = {},
                            .limits = {}},
                           ledger_,
                           &mirror_};
  upkeep::LedgerProbe ledger_probe_{clock_, ledger_, ledger_state_, false, &mirror_};
  upkeep::MirrorProbe mirror_probe_{clock_, mirror_, mirror_state_, 2s};
  upkeep::Upkeep upkeep_{{.clock = clock_,
                          .metrics = metrics_,
                          .ledger_state = ledger_state_,
                          .mirror_state = mirror_state_,
                          .ledger = ledger_.connect(),
                          .mirror = mirror_.connect(),
                          .ids = commit::system_ids(clock_)},
                         {.verify_rows_per_s = 100},
                         [this](commit::WriteRequest request, commit::WriteDone done) {
                           path_.submit(std::move(request), std::move(done));
                         }};
};

} // namespace

std::vector<std::string> run_on_threads() {
  return ThreadedRun().violations();
}

} // namespace panier::sim
