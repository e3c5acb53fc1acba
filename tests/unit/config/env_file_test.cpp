// The grammar of a .env file, line by line.
#include "config/env_file.hpp"

#include <gmock/gmock.h>

namespace panier::config {
namespace {

struct Line {
  std::string_view text;
  std::string_view key;
  std::string_view value;
};

TEST(EnvFile, takes_what_the_platform_writes) {
  constexpr Line lines[] = {
      {"A=1", "A", "1"},
      {"A = 1", "A", "1"},
      {"\tA\t=\t1 ", "A", "1"},
      {"export A=1", "A", "1"},
      {"export\tA = 1", "A", "1"},
      {"export=1", "export", "1"},
      {"exported=1", "exported", "1"},
      {"A=", "A", ""},
      {"A= # nothing", "A", ""},
      {"A=b c", "A", "b c"},
      {"A=b # comment", "A", "b"},
      {"A=b\t# comment", "A", "b"},
      {"A=b#c", "A", "b#c"},
      {"A=#b", "A", "#b"},
      {"A=b#c # d", "A", "b#c"},
      {"A=\"b c\"", "A", "b c"},
      {"A = \"b # c\" # d", "A", "b # c"},
      {"A='b \"c\" d'", "A", "b \"c\" d"},
      {"A=\"it's\"", "A", "it's"},
      {"A=\"\"", "A", ""},
      {"A=\"  b  \"", "A", "  b  "},
      {"A=\"a\\nb\"", "A", "a\\nb"},
      {"A=b\"c\"", "A", "b\"c\""},
      {"A=b=c", "A", "b=c"},
      {"A=1\r", "A", "1"},
      {"\xEF\xBB\xBF"
       "A=1",
       "A", "1"},
      {"MONGO_URI_PANIERS = \"mongodb://a:b@c:27017/Paniers?w=majority\"", "MONGO_URI_PANIERS",
       "mongodb://a:b@c:27017/Paniers?w=majority"},
  };
  for (const Line& line : lines) {
    const auto parsed = parse_env_file(line.text);
    ASSERT_TRUE(parsed) << line.text << ": " << parsed.error().detail;
    ASSERT_EQ(parsed->size(), 1U) << line.text;
    EXPECT_EQ(parsed->front().key, line.key) << line.text;
    EXPECT_EQ(parsed->front().value, line.value) << line.text;
  }
}

TEST(EnvFile, passes_over_blank_lines_and_comments_and_keeps_the_order) {
  const auto parsed = parse_env_file("\xEF\xBB\xBF# head\r\n\r\n  # more\r\nB=2\r\nA=1\r\nB=3");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 3U);
  EXPECT_EQ((*parsed)[0].key, "B");
  EXPECT_EQ((*parsed)[0].line, 4);
  EXPECT_EQ((*parsed)[1].key, "A");
  EXPECT_EQ((*parsed)[2].value, "3");
  EXPECT_EQ((*parsed)[2].line, 6);
  EXPECT_TRUE(parse_env_file("")->empty());
}

TEST(EnvFile, names_the_number_of_a_bad_line_and_not_its_content) {
  constexpr std::string_view bad[] = {
      "sesame",         "=sesame",       "1A=sesame",
      "A B=sesame",     "A-B=sesame",    "A=\"sesame",
      "A='sesame",      "A=\"sesame\"x", "A=\"sesame\"# no space before",
      "A=\"ses\"ame\"", "export sesame",
  };
  for (const std::string_view text : bad) {
    const auto parsed = parse_env_file("A=1\n\n" + std::string(text) + "\nB=2\n");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::config_invalid);
    EXPECT_THAT(parsed.error().detail, testing::HasSubstr("line 3 ")) << text;
    EXPECT_THAT(parsed.error().detail, testing::Not(testing::HasSubstr("sesame"))) << text;
  }
}

} // namespace
} // namespace panier::config
