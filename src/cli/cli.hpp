// The command line: one function a command. Exit codes: 0 fine, 1 the answer is no (verify: the
// stores differ; migrate: something could not be taken along), 2 wrong settings or usage, or a
// database that is not set up or not migrated, with one line on standard error that names what is
// wrong; 3 a store did not answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace panier::cli {

inline constexpr int exit_fine = 0;
inline constexpr int exit_no = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_store = 3;

[[nodiscard]] int run(int argc, char** argv);

struct VerifyOptions {
  bool repair = false;
  int rows_per_s = 0; // 0: as fast as it goes
};

struct MigrateOptions {
  bool dry_run = false;
  bool undo = false;
  std::string prefer; // mariadb, mongo; empty: neither
};

[[nodiscard]] int serve(const config::Config& config, std::string_view version);
[[nodiscard]] int verify(const config::Config& config, const VerifyOptions& options);
[[nodiscard]] int migrate(const config::Config& config, const MigrateOptions& options);
[[nodiscard]] int show_config(const config::Config& config);

// The environment over the file. nullopt: `.env` in the working directory, if there is one; an
// empty name is refused. An error's line goes to standard error.
[[nodiscard]] std::optional<config::Config> load_config(const std::optional<std::string>& env_file);
// One line on standard error.
[[nodiscard]] int complain(int exit_code, std::string_view line);

} // namespace panier::cli
