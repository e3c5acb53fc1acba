// Which settings file is read, and which is refused. What stands in it is config's.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/cli.hpp"

namespace panier::cli {
namespace {

constexpr std::size_t bytes_max = 1'048'576;

// In a directory of its own, without an environment.
class LoadConfig : public testing::Test {
protected:
  LoadConfig() {
    std::string pattern = (std::filesystem::temp_directory_path() / "panier-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::current_path(directory_);
    environ = nothing_;
  }
  ~LoadConfig() override {
    environ = environment_;
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }
  LoadConfig(const LoadConfig&) = delete;
  LoadConfig& operator=(const LoadConfig&) = delete;

  static void write(const std::string& name, std::string_view text) {
    std::ofstream(name, std::ios::binary) << text;
  }
  // PANIER_PORT as it is in force, or what standard error was told.
  static std::string port(const std::optional<std::string>& env_file) {
    testing::internal::CaptureStderr();
    const auto config = load_config(env_file);
    const auto told = testing::internal::GetCapturedStderr();
    return config ? std::to_string(config->port) : told;
  }
  // `panier <arguments> config`
  static int run_config(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "panier");
    arguments.emplace_back("config");
    std::vector<char*> argv;
    for (auto& argument : arguments)
      argv.push_back(argument.data());
    return run(static_cast<int>(argv.size()), argv.data());
  }

private:
  const std::filesystem::path before_ = std::filesystem::current_path();
  std::filesystem::path directory_;
  char** const environment_ = environ;
  char* nothing_[1] = {nullptr};
};

TEST_F(LoadConfig, DotEnvIsReadIfThereIsOneAndNoneWasNamed) {
  EXPECT_EQ(port(std::nullopt), "6004");
  write(".env", "PANIER_PORT=7001\n");
  EXPECT_EQ(port(std::nullopt), "7001");
  write("other.env", "PANIER_PORT=7002\n");
  EXPECT_EQ(port("other.env"), "7002");
}

TEST_F(LoadConfig, AnEmptyNameIsNotDotEnv) {
  write(".env", "PANIER_PORT=7001\n");
  EXPECT_EQ(port(""), "panier: --env-file: the name is empty\n");
  testing::internal::CaptureStderr();
  const int code = run_config({"--env-file", ""});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "panier: --env-file: the name is empty\n");
  EXPECT_EQ(code, exit_usage);
}

TEST_F(LoadConfig, WhatIsNamedMustBeReadable) {
  EXPECT_EQ(port("absent.env"), "panier: --env-file: absent.env cannot be read\n");
  EXPECT_EQ(port("."), "panier: --env-file: . cannot be read\n");
  std::filesystem::create_directory(".env");
  EXPECT_EQ(port(std::nullopt), "panier: --env-file: .env cannot be read\n");
}

TEST_F(LoadConfig, APipeIsReadToItsEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  constexpr std::string_view text = "# by <(..)\nPANIER_PORT=7003\n";
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), std::ssize(text));
  ::close(ends[1]);
  EXPECT_EQ(port("/dev/fd/" + std::to_string(ends[0])), "7003");
  ::close(ends[0]);
}

TEST_F(LoadConfig, AFileBeyondTheLimitIsRefused) {
  const std::string_view setting = "\nPANIER_PORT=7004";
  write("most.env", '#' + std::string(bytes_max - 1 - setting.size(), ' ') + std::string(setting));
  EXPECT_EQ(port("most.env"), "7004");
  write("more.env", '#' + std::string(bytes_max, ' '));
  EXPECT_EQ(port("more.env"), "panier: --env-file: more.env is larger than 1048576 bytes\n");
  EXPECT_EQ(port("/dev/zero"), "panier: --env-file: /dev/zero is larger than 1048576 bytes\n");
}

} // namespace
} // namespace panier::cli
