// Entity tags: what If-Match and If-None-Match mean, and what is refused.
#include "api/etag.hpp"

#include <gtest/gtest.h>

namespace panier::api {
namespace {

using Versions = std::vector<cart::Version>;

Result<std::optional<cart::IfMatch>> parsed(std::initializer_list<const char*> lines) {
  http::Headers headers;
  for (const auto* line : lines)
    headers.add("if-match", line);
  return parse_if_match(headers);
}

TEST(IfMatch, AbsentIsNoCondition) {
  ASSERT_TRUE(parsed({}));
  EXPECT_FALSE(*parsed({}));
}

struct Row {
  std::initializer_list<const char*> lines;
  bool any;
  Versions versions;
};

TEST(IfMatch, TakesStarTagsAndLists) {
  const Row table[] = {
      {{"*"}, true, {}},
      {{" * "}, true, {}},
      {{"\"42\""}, false, {42}},
      {{"W/\"42\""}, false, {42}},
      {{"\"1764000000001-9f86d081884c7d65\""}, false, {1764000000001}},
      {{"\"42-gzip\""}, false, {42}},
      {{"\"1\", W/\"2-ab\",\"3\""}, false, {1, 2, 3}},
      {{"\"1\"", "\"2\""}, false, {1, 2}},
      {{", \"1\" ,, \"2\" ,"}, false, {1, 2}},
      {{"\"9223372036854775807\""}, false, {INT64_MAX}},
      // Well-formed, but no version of ours: they match nothing.
      {{"\"abc\""}, false, {}},
      {{"\"\""}, false, {}},
      {{"\"007\""}, false, {}},
      {{"\"9223372036854775808\""}, false, {}},
      {{"\"+1\""}, false, {}},
      {{"\"1,2\""}, false, {}},
      {{"\"*\""}, false, {}},
      {{"\"\xc3\xa9\", \"5\""}, false, {5}},
  };
  for (const auto& row : table) {
    const auto match = parsed(row.lines);
    ASSERT_TRUE(match && *match) << *row.lines.begin();
    EXPECT_EQ((*match)->any, row.any) << *row.lines.begin();
    EXPECT_EQ((*match)->versions, row.versions) << *row.lines.begin();
  }
}

TEST(IfMatch, RefusesWhatIsNoList) {
  for (const auto* line :
       {"", " ", ",", "42", "W/42", "\"42", "42\"", "w/\"42\"", "W /\"42\"", "\"1\" \"2\"",
        "\"1\"x", "*, \"1\"", "\"1\", *", "**", "\"a b\"", "\"a\x7f\"", "'42'"}) {
    const auto match = parsed({line});
    ASSERT_FALSE(match) << line;
    EXPECT_EQ(match.error().code, Errc::invalid_if_match);
  }
  EXPECT_FALSE(parsed({"*", "*"}));
}

TEST(IfNoneMatch, ComparesTheWholeTag) {
  EXPECT_TRUE(names_etag("\"42\"", "\"42\""));
  EXPECT_TRUE(names_etag("W/\"42\"", "\"42\""));
  EXPECT_TRUE(names_etag("\"1\", \"42-ab\"", "\"42-ab\""));
  EXPECT_TRUE(names_etag("*", "\"42\""));
  EXPECT_FALSE(names_etag("", "\"42\""));
  EXPECT_FALSE(names_etag("\"42-ab\"", "\"42\""));
  EXPECT_FALSE(names_etag("\"42\"", "\"42-ab\""));
  EXPECT_FALSE(names_etag("42", "\"42\""));
  EXPECT_FALSE(names_etag("\"42", "\"42\""));
}

TEST(ETag, IsReadBackByIfMatch) {
  EXPECT_EQ(version_etag(42), "\"42\"");
  const auto tag = hashed_etag(42, "body");
  EXPECT_EQ(tag.size(), std::string("\"42-0123456789abcdef\"").size());
  EXPECT_NE(tag, hashed_etag(42, "another body"));
  EXPECT_EQ((*parsed({tag.c_str()}))->versions, Versions{42});
}

} // namespace
} // namespace panier::api
