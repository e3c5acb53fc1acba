// The machine's own limit: what each part of the service reaches alone. Prints one line of JSON,
// {"kind":..,"rate_per_s":..,"operations":..,"failed":..,"seconds":..}.
//
//   panier-limit ledger --store mariadb|sqlite --clients C --seconds S --carts N --mix M --lanes L
//   panier-limit mirror --store mongodb|sqlite --lanes L --batch B --seconds S --carts N
//   panier-limit http --port N           serves until SIGTERM; a load generator measures it
//
// Settings as panier's: DB_LOCAL_*, MONGO_URI_PANIERS, PANIER_DATA_DIR.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <thread>

#include "commit/limits.hpp"
#include "limit.hpp"
#include "program.hpp"
#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"

namespace panier::bench {
namespace {

constexpr int exit_failures = 1; // some operations failed: the rate is not to be used

int print(const char* kind, const Rate& rate) {
  std::printf("{\"kind\":\"%s\",\"rate_per_s\":%.1f,\"operations\":%lld,\"failed\":%lld,"
              "\"seconds\":%.3f}\n",
              kind, static_cast<double>(rate.operations) / rate.time.count(),
              static_cast<long long>(rate.operations), static_cast<long long>(rate.failed),
              rate.time.count());
  return rate.failed == 0 ? 0 : exit_failures;
}

void add_population(CLI::App& command, Population& carts) {
  command.add_option("--carts", carts.carts, "how many there are")->check(CLI::Range(1, 9'999'999));
  command.add_option("--first", carts.first, "the number of the first one")
      ->check(CLI::Range(1, 9'999'999));
  command.add_option("--lines", carts.lines, "of each cart")->check(CLI::Range(1, 200));
}

int run(int argc, char** argv) {
  CLI::App app("What one part of panier reaches alone");
  app.require_subcommand(1);

  LedgerRun ledger;
  int seconds = 5;
  const std::map<std::string, Mix> mixes{
      {"add", Mix::add}, {"edit", Mix::edit}, {"get", Mix::get}, {"mixed", Mix::mixed}};
  auto* const ledger_command = app.add_subcommand("ledger", "the commit path without a mirror");
  ledger_command->add_option("--store", ledger.store, "mariadb, sqlite")
      ->required()
      ->check(CLI::IsMember({"mariadb", "sqlite"}));
  ledger_command->add_option("--clients", ledger.clients, "operations outstanding")
      ->check(CLI::Range(1, 8'000));
  ledger_command->add_option("--lanes", ledger.lanes)->check(CLI::Range(1, 64));
  ledger_command->add_option("--mix", ledger.mix, "add, edit, get, mixed (80 % reads)")
      ->transform(CLI::CheckedTransformer(mixes));
  ledger_command->add_option("--seconds", seconds)->check(CLI::Range(1, 3'600));
  add_population(*ledger_command, ledger.carts);

  MirrorRun mirror;
  auto* const mirror_command = app.add_subcommand("mirror", "the mirror's bulk");
  mirror_command->add_option("--store", mirror.store, "mongodb, sqlite")
      ->required()
      ->check(CLI::IsMember({"mongodb", "sqlite"}));
  mirror_command->add_option("--lanes", mirror.lanes)->check(CLI::Range(1, 64));
  mirror_command->add_option("--batch", mirror.batch, "writes of a bulk")
      ->check(CLI::Range(1, static_cast<int>(commit::batch_carts_max)));
  mirror_command->add_option("--seconds", seconds)->check(CLI::Range(1, 3'600));
  add_population(*mirror_command, mirror.carts);

  std::uint16_t port = 0;
  unsigned threads = std::max(2U, std::thread::hardware_concurrency());
  int lines = Population{}.lines;
  auto* const http_command = app.add_subcommand("http", "the transport with constant answers");
  http_command->add_option("--port", port, "on 127.0.0.1; 0 takes a free one")->required();
  http_command->add_option("--threads", threads)->check(CLI::Range(1, 64));
  http_command->add_option("--lines", lines, "of the cart that a read is answered with")
      ->check(CLI::Range(1, 200));
  CLI11_PARSE(app, argc, argv);

  begin_program();
  runtime::do_not_preempt(); // as `panier serve`: the parts of what it does
  const runtime::SystemClock clock;
  const runtime::log::Session logging(runtime::log::Level::warn, clock);
  if (ledger_command->parsed()) {
    ledger.time = std::chrono::seconds(seconds);
    return print("ledger", run_ledger(ledger));
  }
  if (mirror_command->parsed()) {
    mirror.time = std::chrono::seconds(seconds);
    return print("mirror", run_mirror(mirror));
  }
  serve_null_routes(port, threads, lines);
  return 0;
}

} // namespace
} // namespace panier::bench

int main(int argc, char** argv) {
  return panier::bench::run_main("panier-limit", [&] { return panier::bench::run(argc, argv); });
}
