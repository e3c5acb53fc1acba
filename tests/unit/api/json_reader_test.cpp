// A body is one JSON object, to the letter of RFC 8259, and its numbers are what the client wrote.
#include "api/json_reader.hpp"

#include <gtest/gtest.h>

namespace panier::api {
namespace {

using Kind = JsonValue::Kind;
using namespace std::string_literals;

TEST(JsonReader, KeepsTheTextOfNumbers) {
  const std::string_view numbers[] = {
      "0",
      "-0",
      "1",
      "42",
      "-17",
      "1.5",
      "1.50",
      "1e3",
      "1E+3",
      "1.5e-2",
      "1e400",
      "-1e400",
      "1e-400",
      "0.30000000000000004",
      "9223372036854775807",
      "9223372036854775808",
      "18446744073709551616",
      "123456789012345678901234567890.123456789012345678901234567890",
  };
  for (const auto number : numbers) {
    const auto object = parse_json_object(R"({"n":)" + std::string(number) + "}");
    ASSERT_TRUE(object) << number;
    EXPECT_EQ(object->at("n").kind, Kind::number);
    EXPECT_EQ(object->at("n").text, number);
  }
}

TEST(JsonReader, TellsKindsApart) {
  const auto object = parse_json_object(
      " { \"s\" : \"a\" , "
      "\"n\":1,\"t\":true,\"f\":false,\"z\":null,\"a\":[1,{\"s\":2}],\"o\":{\"s\":3} } \r\n\t");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->size(), 7u);
  EXPECT_EQ(object->at("s").kind, Kind::string);
  EXPECT_EQ(object->at("s").text, "a"); // not the inner ones of the same name
  EXPECT_EQ(object->at("n").kind, Kind::number);
  EXPECT_EQ(object->at("t").kind, Kind::boolean);
  EXPECT_EQ(object->at("t").text, "true");
  EXPECT_EQ(object->at("f").text, "false");
  EXPECT_EQ(object->at("z").kind, Kind::null);
  EXPECT_EQ(object->at("a").kind, Kind::array);
  EXPECT_EQ(object->at("o").kind, Kind::object);
  EXPECT_TRUE(parse_json_object("{}")->empty());
}

TEST(JsonReader, UnescapesKeysAndStrings) {
  const auto object = parse_json_object(R"({"\u0061rticle":"\u00e9\n\"\\\/\ud83d\ude00"})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->at("article").text, "\xc3\xa9\n\"\\/\xf0\x9f\x98\x80");
  EXPECT_EQ(parse_json_object(R"({"a":"\u0000"})")->at("a").text, "\0"s);
  const auto longer = std::string(20'000, 'x');
  EXPECT_EQ(parse_json_object(R"({"a":")" + longer + R"(\n"})")->at("a").text, longer + "\n");
}

TEST(JsonReader, RefusesWhatIsNotAnObject) {
  const std::string texts[] = {
      "",
      " ",
      "null",
      "true",
      "1",
      "\"a\"",
      "[]",
      "[{}]",
      "[1",
      "{",
      "}",
      "{]",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{,}",
      "{a:1}",
      "{'a':1}",
      "{\"a\":1}{}",
      "{\"a\":1} x",
      "{\"a\":1},",
      "{}\0"s,
      "{\"a\":01}",
      "{\"a\":+1}",
      "{\"a\":.5}",
      "{\"a\":5.}",
      "{\"a\":1e}",
      "{\"a\":-}",
      "{\"a\":0x1}",
      "{\"a\":NaN}",
      "{\"a\":Infinity}",
      "{\"a\":-Infinity}",
      "{\"a\":nul}",
      "{\"a\":True}",
      "{/* c */\"a\":1}",
      "{\"a\":1} // c",
      "\xef\xbb\xbf{\"a\":1}",        // a BOM
      "{\"a\":\"\xff\"}",             // invalid UTF-8
      "{\"a\":\"\xc0\x80\"}",         // overlong
      "{\"a\":\"\xed\xa0\x80\"}",     // a surrogate in UTF-8
      "{\"a\":\"\xf4\x90\x80\x80\"}", // beyond Unicode
      "{\"a\":\"\xe2\x82\"}",         // cut short
      "{\"\xff\":1}",
      R"({"a":"\ud800"})", // lone surrogates
      R"({"a":"\ud800x"})",
      R"({"a":"\ud800\u0041"})",
      R"({"a":"\udc00"})",
      R"({"a":"\x41"})",
      R"({"a":"\u12"})",
      "{\"a\":\"\n\"}",
      "{\"a\":\"\t\"}",
      "{\"a\":\"\0\"}"s,
      "{\"a\":\"",
      "{\"a",
  };
  for (const auto& text : texts) {
    const auto object = parse_json_object(text);
    ASSERT_FALSE(object) << text;
    EXPECT_EQ(object.error().code, Errc::malformed_json) << text;
  }
}

TEST(JsonReader, RefusesTheSameKeyTwiceAtAnyDepth) {
  const std::string_view texts[] = {
      R"({"a":1,"a":1})",       R"({"a":1,"b":2,"a":{}})",  R"({"quantite":1,"quantit\u0065":2})",
      R"({"x":{"a":1,"a":2}})", R"({"x":[{"a":1,"a":2}]})",
  };
  for (const auto text : texts) {
    const auto object = parse_json_object(text);
    ASSERT_FALSE(object) << text;
    EXPECT_EQ(object.error().code, Errc::duplicate_json_key) << text;
  }
  EXPECT_TRUE(parse_json_object(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":1})"));
}

TEST(JsonReader, AnExponentBeyondReasonIsTheFieldsFault) {
  for (const auto text :
       {R"({"a":1,"quantite":1e99999999999})", R"({"quantite":-0.1E-99999999999})",
        R"({"quantite":[{"a":0e99999999999}]})",
        R"({"quantite":{"a":{"b":1},"c":1e99999999999}})"}) {
    const auto object = parse_json_object(text);
    ASSERT_FALSE(object) << text;
    EXPECT_EQ(object.error().code, Errc::invalid_field) << text;
    EXPECT_EQ(object.error().field, "quantite") << text;
  }
}

// Found by fuzzing: 422 for a field, and no name for it.
TEST(JsonReader, AnExponentOutOfReachWithoutAFieldIsMalformed) {
  for (const auto* body : {"1e99999999999", "-0.5E-99999999999", R"({"":1e99999999999})"})
    EXPECT_EQ(parse_json_object(body).error().code, Errc::malformed_json) << body;
}

TEST(JsonReader, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_json_object(nested(json_depth_max - 1)));
  EXPECT_FALSE(parse_json_object(nested(json_depth_max)));
  EXPECT_FALSE(parse_json_object(nested(1'000'000)));
}

TEST(JsonReader, ManyKeysAreRead) {
  std::string body = "{";
  for (int i = 0; i < 10'000; ++i)
    body += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_EQ(parse_json_object(body + "\"a\":1}")->size(), 10'001u);
  EXPECT_EQ(parse_json_object(body + "\"k5000\":1}").error().code, Errc::duplicate_json_key);
}

} // namespace
} // namespace panier::api
