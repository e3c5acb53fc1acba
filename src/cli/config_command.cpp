#include <fmt/format.h>

#include <cstdio>

#include "cli/cli.hpp"

namespace panier::cli {

int show_config(const config::Config& config) {
  for (const auto& setting : config::describe(config)) {
    std::string notes(config::to_string(setting.source));
    if (!setting.unit.empty()) notes += fmt::format(", {}", setting.unit);
    if (!setting.limits.empty()) notes += fmt::format(", {}", setting.limits);
    fmt::print("# {} ({})\n{}={}\n", setting.doc, notes, setting.key, setting.value);
  }
  for (const auto& warning : config.warnings)
    fmt::print("# warning: {}\n", warning);
  return exit_fine;
}

} // namespace panier::cli
