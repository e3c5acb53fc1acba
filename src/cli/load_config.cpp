#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/cli.hpp"

namespace panier::cli {
namespace {

constexpr std::uintmax_t env_file_bytes_max =
    std::uintmax_t{1024} * 1024; // a settings file, not a database dump

std::optional<std::string> read_file(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > env_file_bytes_max) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return std::move(text).str();
}

} // namespace

std::optional<config::Config> load_config(const std::string& env_file) {
  config::Input input;
  input.environment = config::environment_from(environ);
  input.cores = std::max(1U, std::thread::hardware_concurrency());
  const std::string path = env_file.empty() ? ".env" : env_file;
  std::error_code ignored;
  if (!env_file.empty() || std::filesystem::exists(path, ignored)) {
    input.file = read_file(path);
    if (!input.file) {
      static_cast<void>(complain(exit_usage, "--env-file: " + path + " cannot be read"));
      return std::nullopt;
    }
  }
  auto config = config::parse(input);
  if (!config) {
    static_cast<void>(complain(exit_usage, config::to_line(config.error())));
    return std::nullopt;
  }
  return std::move(*config);
}

} // namespace panier::cli
