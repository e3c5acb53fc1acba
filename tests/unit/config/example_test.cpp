// config/panier.env.example and the table of settings say the same.
#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "config/settings.hpp"

namespace panier::config {
namespace {

std::string example() {
  std::ifstream file(PANIER_ENV_EXAMPLE);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

// Above its assignment, which is a comment: what it is, then its limits, unit and default.
std::string expected_block(const Setting& setting) {
  std::string block = "# " + std::string(setting.doc) + "\n# " + limits_text(setting);
  if (!setting.unit.empty()) block += " " + std::string(setting.unit);
  return block + "; default: " + default_text(setting) + "\n#" + std::string(setting.key) + "=";
}

// The file with its assignments no longer comments.
std::string switched_on(const std::string& text) {
  std::istringstream lines(text);
  std::string all;
  for (std::string line; std::getline(lines, line);)
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') all += line.substr(1) + "\n";
  return all;
}

TEST(Example, tells_every_setting_as_the_table_does) {
  const std::string text = example();
  ASSERT_FALSE(text.empty());
  for (const Setting& setting : settings())
    EXPECT_THAT(text, testing::HasSubstr(expected_block(setting)));
}

TEST(Example, names_no_setting_that_is_not_there) {
  std::istringstream lines(switched_on(example()));
  std::set<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    const std::string key = line.substr(0, line.find('='));
    EXPECT_NE(find_setting(key), nullptr) << key;
    EXPECT_TRUE(keys.insert(key).second) << key << " stands twice";
  }
  EXPECT_EQ(keys.size(), settings().size());
}

TEST(Example, changes_nothing_as_it_is_and_is_valid_when_switched_on) {
  const auto untouched = parse({.environment = {}, .file = example(), .cores = 2});
  ASSERT_TRUE(untouched) << to_line(untouched.error());
  EXPECT_TRUE(untouched->sources.empty());
  const auto all = parse({.environment = {}, .file = switched_on(example()), .cores = 2});
  ASSERT_TRUE(all) << to_line(all.error());
  EXPECT_EQ(all->sources.size(), settings().size());
}

// A default that is a plain value is the value in the file.
TEST(Example, shows_the_defaults_as_values) {
  const std::string text = switched_on(example());
  const Config defaults;
  for (const Setting& setting : settings()) {
    if (!setting.default_text.empty()) continue;
    EXPECT_THAT("\n" + text, testing::HasSubstr("\n" + std::string(setting.key) + "=" +
                                                setting.show(defaults) + "\n"));
  }
}

TEST(Table, every_default_is_within_its_limits) {
  for (const Setting& setting : settings()) {
    if (!setting.values.empty() || !setting.default_text.empty()) continue;
    Config config;
    EXPECT_TRUE(setting.set(config, default_text(setting), setting)) << setting.key;
    EXPECT_LT(setting.min, setting.max) << setting.key;
  }
}

TEST(Table, every_limit_survives_its_field) {
  for (const Setting& setting : settings()) {
    if (!setting.values.empty()) continue;
    for (const std::int64_t limit : {setting.min, setting.max}) {
      Config config;
      ASSERT_TRUE(setting.set(config, std::to_string(limit), setting)) << setting.key;
      EXPECT_EQ(setting.show(config), std::to_string(limit)) << setting.key;
    }
  }
}

} // namespace
} // namespace panier::config
