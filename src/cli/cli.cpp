#include "cli/cli.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace panier::cli {

int complain(int exit_code, std::string_view line) {
  std::fprintf(stderr, "panier: %.*s\n", static_cast<int>(line.size()), line.data());
  return exit_code;
}

int run(int argc, char** argv) {
  CLI::App app{"panier: the cart service of the Amazoff shop. One cart per user, in two stores "
               "that never tell two stories."};
  app.require_subcommand(0, 1);
  std::string env_file;
  auto* const env_file_option = app.add_option(
      "--env-file", env_file,
      "settings file; the environment wins over it (default: .env, if there is one)");
  app.fallthrough(); // --env-file may also stand behind the command

  auto* const serve_command = app.add_subcommand("serve", "serve carts (also without a command)");
  auto* const config_command =
      app.add_subcommand("config", "print the settings in force, secrets masked");
  auto* const verify_command =
      app.add_subcommand("verify", "compare both stores: 0 they agree, 1 they differ");
  auto* const migrate_command =
      app.add_subcommand("migrate", "take over the carts of the service before panier");
  auto* const version_command = app.add_subcommand("version", "print the version");
  VerifyOptions verify_options;
  verify_command->add_flag("--repair", verify_options.repair,
                           "repair the mirror from the ledger, then compare again");
  verify_command
      ->add_option("--rows-per-s", verify_options.rows_per_s,
                   "at most so many carts a second (0: no limit)")
      ->check(CLI::NonNegativeNumber);
  MigrateOptions migrate_options;
  auto* const dry_run = migrate_command->add_flag("--dry-run", migrate_options.dry_run,
                                                  "print the same report, and change nothing");
  auto* const prefer =
      migrate_command
          ->add_option("--prefer", migrate_options.prefer,
                       "which store to believe where they disagree (default: every line, with the "
                       "larger quantity)")
          ->check(CLI::IsMember({"mariadb", "mongo"}));
  migrate_command
      ->add_flag("--undo", migrate_options.undo,
                 "give both stores the shape that the service before panier wants")
      ->excludes(dry_run)
      ->excludes(prefer);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return complain(exit_usage, error.what());
  }
  if (version_command->parsed()) {
    std::puts("panier " PANIER_VERSION);
    return exit_fine;
  }
  // Whether it was given, not whether it has a name: with "$UNSET" another file must not be taken.
  const bool env_file_given = env_file_option->count() > 0;
  const auto config = load_config(env_file_given ? std::optional(env_file) : std::nullopt);
  if (!config) return exit_usage;
  if (config_command->parsed()) return show_config(*config);
  if (verify_command->parsed()) return verify(*config, verify_options);
  if (migrate_command->parsed()) return migrate(*config, migrate_options);
  static_cast<void>(serve_command); // what is done without a command too
  return serve(*config, PANIER_VERSION);
}

} // namespace panier::cli
