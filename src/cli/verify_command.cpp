#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <set>

#include "app/stores.hpp"
#include "cli/cli.hpp"
#include "commit/commit_path.hpp"
#include "upkeep/abandoned_lists.hpp"
#include "upkeep/lag_repair.hpp"
#include "upkeep/lost_ledger.hpp"
#include "upkeep/verify.hpp"

namespace panier::cli {
namespace {

using namespace std::chrono_literals;

// After --repair: so many passes over the lag rows before the stores are compared again.
constexpr int repair_passes_max = 100;
constexpr auto repair_pause = 100ms;

struct Bench { // what upkeep's pieces want to stand on
  explicit Bench(const config::Config& config, app::OpenStores& stores)
      : metrics("verify", clock), ledger_state(std::string(stores.ledger->name()), clock),
        mirror_state(std::string(stores.mirror->name()), clock),
        upkeep{.clock = clock,
               .metrics = metrics,
               .ledger_state = ledger_state,
               .mirror_state = mirror_state,
               .ledger = stores.ledger->connect(),
               .mirror = stores.mirror->connect(),
               .ids = commit::system_ids(clock),
               .mirror_timeout = config.mirror_timeout,
               .reservation_ttl = config.reservation_ttl} {}
  const runtime::SystemClock clock;
  runtime::Metrics metrics;
  runtime::StoreState ledger_state;
  runtime::StoreState mirror_state;
  upkeep::Stores upkeep;
};

int failed(const Error& error) {
  if (error.code == Errc::schema_unmigrated)
    return complain(exit_usage,
                    fmt::format("verify: the database is not set up or not migrated: panier serve "
                                "sets up an empty one, panier migrate takes over the "
                                "predecessor's ({})",
                                error.detail));
  return complain(exit_store, fmt::format("verify: {}: {}", to_string(error.code), error.detail));
}

void print(const upkeep::VerifyReport& report) {
  for (const auto& difference : report.listed)
    fmt::print("{}: {}\n", difference.user, difference.what);
  const auto unlisted =
      report.differences - report.unreadable - static_cast<std::int64_t>(report.listed.size());
  if (unlisted > 0) fmt::print("and {} more\n", unlisted);
  if (report.unreadable > 0)
    fmt::print("{} documents whose _id or user_id cannot be read\n", report.unreadable);
  fmt::print(
      "{} carts and {} tombstones in the ledger, {} documents in the mirror, {} differences\n",
      report.carts, report.tombstones, report.documents, report.differences);
}

// A service that died left lists that nobody settles. Those of the living change while we look.
Result<void> abort_dead_lists(Bench& bench) {
  upkeep::AbandonedLists lists(bench.upkeep);
  std::set<cart::Token> at_start;
  const auto until = bench.clock.steady() + 2 * bench.upkeep.reservation_ttl;
  for (bool first = true; first || bench.clock.steady() < until; first = false) {
    const auto done = lists.run_once();
    if (!done && done.error().code != Errc::store_rejected &&
        done.error().code != Errc::store_corrupt)
      return done; // else: it is one list, and verify names its carts
    const auto rows = bench.upkeep.ledger->lanes();
    if (!rows) return std::unexpected(rows.error());
    std::set<cart::Token> now;
    for (const auto& row : *rows) {
      if (row.token && (first || at_start.contains(*row.token))) now.insert(*row.token);
    }
    at_start = std::move(now);
    if (at_start.empty()) return {};
    std::this_thread::sleep_for(repair_pause);
  }
  return {};
}

Result<void> drain_lag(Bench& bench) {
  upkeep::LagRepair repair(bench.upkeep);
  for (int pass = 0; pass < repair_passes_max; ++pass) {
    const auto left = repair.run_once();
    if (!left) return std::unexpected(left.error());
    if (*left == 0) return {};
    std::this_thread::sleep_for(repair_pause);
  }
  return {};
}

} // namespace

int verify(const config::Config& config, const VerifyOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  if (config.mirror == config::MirrorKind::none)
    return complain(exit_usage, "PANIER_MIRROR: is none, there is nothing to compare");
  static const runtime::SystemClock clock;
  auto stores = app::open_stores(config, clock, app::Access::visit);
  if (!stores) return complain(exit_usage, config::to_line(stores.error()));
  Bench bench(config, *stores);
  // So many carts, then so long a pause.
  const auto page_pause =
      options.rows_per_s > 0 ? 1'000ms * upkeep::Verify::page_carts / options.rows_per_s : 0ms;
  upkeep::Verify compare(
      bench.upkeep,
      [&](std::chrono::milliseconds wait) {
        std::this_thread::sleep_for(
            std::max<std::chrono::milliseconds>(wait, wait == 0ms ? page_pause : 0ms));
        return true;
      },
      options.repair ? upkeep::Verify::Mode::repair : upkeep::Verify::Mode::report);
  const auto lost = upkeep::is_lost(*bench.upkeep.ledger, *bench.upkeep.mirror);
  if (!lost) return failed(lost.error());
  if (options.repair) {
    if (lost->is == upkeep::Lost::Is::unknown) return complain(exit_store, "verify: " + lost->why);
    if (lost->is == upkeep::Lost::Is::likely) return complain(exit_usage, "verify: " + lost->why);
    if (const auto aborted = abort_dead_lists(bench); !aborted) return failed(aborted.error());
  }
  auto report = compare.run();
  if (!report) return failed(report.error());
  print(*report);
  if (!lost->why.empty()) fmt::print("{}\n", lost->why);
  if (!options.repair || report->differences == 0)
    return report->differences == 0 ? exit_fine : exit_no;

  if (const auto drained = drain_lag(bench); !drained) return failed(drained.error());
  report = compare.run();
  if (!report) return failed(report.error());
  fmt::print("after repair:\n");
  print(*report);
  return report->differences == 0 ? exit_fine : exit_no;
}

} // namespace panier::cli
