#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "cli/cli.hpp"

namespace panier::cli {
namespace {

constexpr std::size_t env_file_bytes_max =
    std::size_t{1024} * 1024; // a settings file, not a database dump

std::unexpected<Error> refused(std::string detail) {
  return fail(Errc::config_invalid, std::move(detail), "--env-file");
}

// By reading: a pipe, <(..), does not know its size.
Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(env_file_bytes_max + 1, '\0');
  file.read(text.data(), std::ssize(text));
  if (!file.is_open() || file.bad()) return refused(path + " cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > env_file_bytes_max)
    return refused(fmt::format("{} is larger than {} bytes", path, env_file_bytes_max));
  return text;
}

// nullopt: none was named, and there is no `.env`.
Result<std::optional<std::string>> text_of(const std::optional<std::string>& env_file) {
  if (env_file && env_file->empty()) return refused("the name is empty");
  const std::string path = env_file.value_or(".env");
  std::error_code ignored;
  if (!env_file && !std::filesystem::exists(path, ignored)) return std::nullopt;
  return read_file(path);
}

} // namespace

std::optional<config::Config> load_config(const std::optional<std::string>& env_file) {
  config::Input input;
  input.environment = config::environment_from(environ);
  input.cores = std::max(1U, std::thread::hardware_concurrency());
  auto file = text_of(env_file);
  if (!file) {
    static_cast<void>(complain(exit_usage, config::to_line(file.error())));
    return std::nullopt;
  }
  input.file = *std::move(file);
  auto config = config::parse(input);
  if (!config) {
    static_cast<void>(complain(exit_usage, config::to_line(config.error())));
    return std::nullopt;
  }
  return std::move(*config);
}

} // namespace panier::cli
