#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "app/stores.hpp"
#include "cli/cli.hpp"
#include "migrate/take_over.hpp"
#include "migrate/way_back.hpp"

namespace panier::cli {
namespace {

// Of each answer: a bulk of a thousand documents, majority and journal included.
constexpr std::chrono::milliseconds mongo_answer_max{30'000};

int failed(const Error& error) {
  if (error.code == Errc::config_invalid) return complain(exit_usage, config::to_line(error));
  if (error.code == Errc::schema_unmigrated)
    return complain(exit_usage, fmt::format("migrate: {}", error.detail));
  return complain(exit_store,
                  fmt::format("migrate: {}: {}; nothing is lost, run it again once that is mended",
                              to_string(error.code), error.detail));
}

int told(migrate::Outcome outcome) {
  switch (outcome) {
  case migrate::Outcome::done: return exit_fine;
  case migrate::Outcome::done_with_rest: return exit_no;
  case migrate::Outcome::nothing_to_do: break;
  }
  std::puts("there is nothing to do");
  return exit_fine;
}

migrate::Prefer preferred(const std::string& store) {
  if (store == "mariadb") return migrate::Prefer::mariadb;
  if (store == "mongo") return migrate::Prefer::mongodb;
  return migrate::Prefer::neither;
}

} // namespace

int migrate(const config::Config& config, const MigrateOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  if (config.ledger != config::LedgerKind::mariadb)
    return complain(exit_usage, "PANIER_LEDGER: migrate needs MariaDB, where the carts are");
  if (config.mirror != config::MirrorKind::mongodb)
    return complain(exit_usage, "PANIER_MIRROR: migrate needs MongoDB, where the carts are");
  auto mongo_settings = app::mongo_settings(config);
  mongo_settings.timeout = mongo_answer_max;
  const auto mongodb = store::mongo::Takeover::make(mongo_settings);
  if (!mongodb) return failed(mongodb.error());
  store::mariadb::Takeover mariadb(app::mariadb_settings(*config.mariadb));
  const migrate::Stores stores{.mariadb = mariadb, .mongodb = **mongodb};

  migrate::Report report(stdout);
  migrate::Progress progress(stderr, ::isatty(STDERR_FILENO) != 0);
  const auto outcome =
      options.undo
          ? migrate::WayBack(stores, report, progress).run()
          : migrate::TakeOver(stores,
                              {.prefer = preferred(options.prefer), .dry_run = options.dry_run},
                              report, progress)
                .run();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(exit_store, "migrate: the report could not be written to standard output");
  return outcome ? told(*outcome) : failed(outcome.error());
}

} // namespace panier::cli
