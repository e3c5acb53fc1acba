// What is written is JSON, whatever bytes go in.
#include "api/json_writer.hpp"

#include <gtest/gtest.h>

namespace panier::api {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.begin_object().key("a").number(-1).key("b").begin_array();
  json.decimal("1.5").text("x").null().boolean(true).begin_object().end_object();
  json.begin_array().end_array().end_array().key("c").begin_object().key("d").boolean(false);
  json.end_object().end_object();
  EXPECT_EQ(json.take(), R"({"a":-1,"b":[1.5,"x",null,true,{},[]],"c":{"d":false}})");
}

TEST(JsonWriter, EscapesTexts) {
  JsonWriter json;
  json.text("\"\\/\n\t\r\x01 \xc3\xa9 \xff.");
  EXPECT_EQ(json.take(), "\"\\\"\\\\/\\n\\t\\r\\u0001 \xc3\xa9 \xef\xbf\xbd.\"");
}

} // namespace
} // namespace panier::api
