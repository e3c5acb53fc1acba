// panier-sim: runs seeds; a failing one is shrunk and told with its trace.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "shrink.hpp"
#include "threads.hpp"

namespace {

using namespace panier;
using namespace panier::sim;

struct Totals {
  std::uint64_t runs = 0, acknowledged = 0, failed = 0, unknown = 0, reads = 0, crashes = 0,
                troubles = 0, violating = 0, undecided = 0;
  void add(const Outcome& outcome) {
    ++runs;
    acknowledged += static_cast<std::uint64_t>(outcome.acknowledged);
    failed += static_cast<std::uint64_t>(outcome.failed);
    unknown += static_cast<std::uint64_t>(outcome.unknown);
    reads += static_cast<std::uint64_t>(outcome.reads);
    crashes += static_cast<std::uint64_t>(outcome.crashes);
    troubles += outcome.troubles.size();
    undecided += static_cast<std::uint64_t>(outcome.undecided);
    violating += outcome.violations.empty() ? 0 : 1;
  }
};

void tell(const Options& failed, bool whole) {
  const auto options = whole ? failed : shrink(failed);
  Options traced = options;
  traced.trace = true;
  const auto outcome = run(traced);
  fmt::print("{}", outcome.trace);
  for (const auto& violation : outcome.violations)
    fmt::print("VIOLATION {}\n", violation);
  fmt::print("seed {}: {} violations; repeat with: panier-sim --seed {}\n", options.seed,
             outcome.violations.size(), options.seed);
}

// Every fault at every call of the lanes for one operation and one policy, and every second fault
// after it.
class Enumeration {
public:
  Enumeration(const Script& script, std::size_t faults_max)
      : script_(script), faults_max_(faults_max) {}

  // The first script that fails; nullopt: all promises were kept.
  std::optional<Script> failing() { return failing_from(script_); }
  // Of so many faults.
  [[nodiscard]] int scripts(std::size_t faults) const { return counts_.at(faults); }

private:
  std::optional<Script> failing_from(const Script& script) {
    const auto outcome = run({.script = script});
    ++counts_.at(script.at.size());
    if (!outcome.violations.empty()) return script;
    if (script.at.size() == faults_max_) return std::nullopt;
    const int first = script.at.empty() ? 0 : script.at.back().first + 1;
    for (int call = first; call < outcome.scripted_calls; ++call) {
      for (int fault = 0; fault < Script::faults; ++fault) {
        Script more = script;
        more.at.emplace_back(call, static_cast<Script::Fault>(fault));
        if (auto fails = failing_from(more)) return fails;
      }
    }
    return std::nullopt;
  }
  const Script script_;
  const std::size_t faults_max_;
  std::array<int, 3> counts_{};
};

// 0: all promises were kept. `faults_max`: 1 or 2.
int enumerate(std::size_t faults_max, unsigned jobs) {
  using cart::OperationKind;
  std::vector<Enumeration> all;
  for (const auto kind : {OperationKind::create, OperationKind::add, OperationKind::edit,
                          OperationKind::remove, OperationKind::empty, OperationKind::erase}) {
    for (const auto policy : {commit::Policy::strict, commit::Policy::available})
      all.emplace_back(Script{.operation = kind, .policy = policy, .at = {}}, faults_max);
  }
  const auto started = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Script> failed;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < jobs; ++i) {
      threads.emplace_back([&] {
        for (auto mine = next++; mine < all.size(); mine = next++) {
          const auto fails = all[mine].failing();
          if (!fails) continue;
          std::lock_guard lock(mutex);
          failed = fails;
          next = all.size();
        }
      });
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  int singles = 0;
  int pairs = 0;
  for (const auto& one : all) {
    singles += one.scripts(1);
    pairs += one.scripts(2);
  }
  if (failed) {
    fmt::print("{}\n", to_text(*failed));
    tell({.script = failed}, true);
  }
  fmt::print("{} single faults, {} pairs: {} violating; {:.1f} s\n", singles, pairs, failed ? 1 : 0,
             took.count());
  return failed ? 1 : 0;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 20) ^ device();
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"The real commit, service and upkeep code on simulated stores."};
  std::uint64_t seeds = 1000;
  std::uint64_t first = 1;
  std::optional<std::uint64_t> one;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool fresh = false;
  bool whole = false;
  bool trace = false;
  bool singles = false;
  bool pairs = false;
  bool threads_too = false;
  app.add_flag("--threads", threads_too, "the loops on real threads, instead of seeds");
  app.add_flag("--singles", singles, "every fault at every call, instead of seeds");
  app.add_flag("--pairs", pairs, "every fault at every call, and every pair, instead of seeds");
  app.add_option("--seeds", seeds, "how many seeds to run");
  app.add_option("--first", first, "the first of them");
  app.add_flag("--fresh", fresh, "the first one is drawn by chance, and told");
  app.add_option("--seed", one, "run this one alone; if it fails, shrink it and print its trace");
  app.add_option("--jobs", jobs, "threads");
  app.add_flag("--whole", whole, "do not shrink");
  app.add_flag("--trace", trace,
               "with --seed: print the trace of a run that keeps all promises too");
  CLI11_PARSE(app, argc, argv);

  if (threads_too) {
    const auto violations = run_on_threads();
    for (const auto& violation : violations)
      fmt::print("VIOLATION {}\n", violation);
    return violations.empty() ? 0 : 1;
  }
  if (singles || pairs) return enumerate(pairs ? 2 : 1, jobs);
  if (one) {
    const Options options{.seed = *one, .trace = trace};
    const auto outcome = run(options);
    if (!outcome.violations.empty()) return tell(options, whole), 1;
    fmt::print("{}seed {}: no violation\n", outcome.trace, *one);
    return 0;
  }
  if (fresh) first = fresh_seed();
  const auto started = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next{first};
  std::atomic<std::uint64_t> failed{0}; // the first that failed; 0: none
  std::mutex mutex;
  Totals totals;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < jobs; ++i) {
    threads.emplace_back([&] {
      while (failed == 0) {
        const auto seed = next++;
        if (seed - first >= seeds) break;
        const auto outcome = run({.seed = seed});
        std::uint64_t none = 0;
        if (!outcome.violations.empty()) failed.compare_exchange_strong(none, seed);
        std::lock_guard lock(mutex);
        totals.add(outcome);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (failed != 0) tell({.seed = failed}, whole);
  fmt::print("{} seeds from {}: {} violating; {} acknowledged, {} failed, {} unknown, {} reads, "
             "{} crashes, {} troubles, {} carts undecided; {:.1f} s, {:.0f} seeds/s\n",
             totals.runs, first, totals.violating, totals.acknowledged, totals.failed,
             totals.unknown, totals.reads, totals.crashes, totals.troubles, totals.undecided,
             took.count(), static_cast<double>(totals.runs) / took.count());
  // A cart that was not judged has kept no promise; a rare one is what a bounded search costs.
  const bool judged = totals.undecided <= 1 + totals.runs / 10'000;
  if (!judged) fmt::print("too many carts undecided\n");
  return failed == 0 && judged ? 0 : 1;
}
