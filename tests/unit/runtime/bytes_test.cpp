#include <gtest/gtest.h>

#include "runtime/iso_time.hpp"
#include "runtime/json_text.hpp"
#include "runtime/random.hpp"
#include "runtime/sha256.hpp"

namespace panier::runtime {
namespace {

TEST(Sha256, is_the_standards) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Random, differs_and_fills_all_of_it) {
  EXPECT_NE(random_bytes<16>(), random_bytes<16>());
  // 4096 bytes whose last 64 are all zero would be a part that was not filled.
  const auto bytes = random_bytes<4096>();
  EXPECT_TRUE(std::any_of(bytes.end() - 64, bytes.end(), [](std::uint8_t b) { return b != 0; }));
}

TEST(IsoTime, has_milliseconds_and_a_z) {
  using namespace std::chrono;
  EXPECT_EQ(iso_time(WallTime(sys_days(2026y / November / 25)) + 2h + 123ms),
            "2026-11-25T02:00:00.123Z");
  EXPECT_EQ(iso_time(WallTime(0ms)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso_time(WallTime(-1ms)), "1969-12-31T23:59:59.999Z");
}

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string in_log(std::string_view text, std::size_t bytes_max = 1000) {
  std::string out;
  append_log_string(out, text, bytes_max);
  return out;
}

TEST(JsonText, is_the_text_that_was_given) {
  EXPECT_EQ(json("plain é € 🛒"), "\"plain é € 🛒\"");
  EXPECT_EQ(json("a\"b\\c\n|"), R"("a\"b\\c\n|")");
  EXPECT_EQ(json("L\u0092a\u2028b"), "\"L\u0092a\u2028b\"");
  EXPECT_EQ(json("\xff"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json(std::string(5000, 'x')).size(), 5002U);
}

TEST(LogText, is_one_line_of_valid_utf8) {
  EXPECT_EQ(in_log("plain é € 🛒"), "\"plain é € 🛒\"");
  EXPECT_EQ(in_log("a\"b\\c\n\r\t|"), R"("a\"b\\c\n\r\t|")");
  EXPECT_EQ(in_log(std::string_view("\0\x1b\x7f", 3)), R"("\u0000\u001b\u007f")");
  const std::string replaced = "\"\xEF\xBF\xBD\"";
  for (const std::string_view broken : {"\xff", "\xc0", "\xe2", "\xc2\x85", "\xe2\x80\xa8"})
    EXPECT_EQ(in_log(broken), replaced) << broken;
  EXPECT_EQ(in_log("\xc3("), "\"\xEF\xBF\xBD(\"");
  EXPECT_EQ(in_log("\xed\xa0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); // a surrogate
  EXPECT_EQ(in_log("\xc0\xaf"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                 // an overlong '/'
}

TEST(LogText, is_cut_between_characters_and_says_so) {
  EXPECT_EQ(in_log("abcdef", 6), "\"abc...\"");
  EXPECT_EQ(in_log("aéé", 6), "\"aé...\"");
  EXPECT_EQ(in_log("abc", 6), "\"abc\"");
  EXPECT_EQ(in_log("abc\"d", 6), "\"abc...\"");
  EXPECT_EQ(in_log("\"abcdef", 6), R"("\"a...")");
  EXPECT_EQ(in_log("é", 4), "\"...\"");
  EXPECT_EQ(in_log("abc", 2), "\"...\"");
}

} // namespace
} // namespace panier::runtime
