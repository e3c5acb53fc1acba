#include "http/message.hpp"

#include <gtest/gtest.h>

#include "http/response_head.hpp"

namespace panier::http {
namespace {

TEST(Headers, NamesAreComparedWithoutCase) {
  Headers headers;
  headers.add("If-Match", "\"1\"");
  headers.add("IF-MATCH", "\"2\"");
  headers.add("Accept", "x");
  EXPECT_EQ(headers.count("if-match"), 2U);
  EXPECT_EQ(*headers.find("if-match"), "\"1\"");
  EXPECT_EQ(headers.joined("If-match"), "\"1\", \"2\"");
  EXPECT_EQ(headers.joined("none"), "");
  EXPECT_EQ(headers.find("none"), nullptr);
  headers.set("if-match", "*");
  EXPECT_EQ(headers.joined("If-Match"), "*");
  EXPECT_EQ(headers.all().size(), 2U);
}

TEST(ResponseHead, SaysLengthTypeAndPersistence) {
  Response response;
  response.status = 201;
  response.body = "12345";
  response.headers.add("ETag", "\"7\"");
  std::string head;
  write_head(head, response, Persistence::keep, "now");
  EXPECT_EQ(head,
            "HTTP/1.1 201 Created\r\nDate: now\r\nContent-Type: application/json; charset=utf-8\r\n"
            "ETag: \"7\"\r\nContent-Length: 5\r\n\r\n");
  write_head(head, response, Persistence::keep_told, "now");
  EXPECT_NE(head.find("\r\nConnection: keep-alive\r\n"), head.npos);
  write_head(head, response, Persistence::close, "now");
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), head.npos);
}

TEST(ResponseHead, NoBodyNoLength) {
  for (const unsigned status : {204U, 304U}) {
    Response response;
    response.status = status;
    std::string head;
    write_head(head, response, Persistence::keep, "now");
    EXPECT_EQ(head.find("Content-"), head.npos) << head;
  }
}

TEST(ResponseHead, AHandlerCannotSplitAnAnswer) {
  Response response;
  response.headers.add("X-Echo", "a\r\nSet-Cookie: b");
  std::string head;
  write_head(head, response, Persistence::keep, "now");
  EXPECT_NE(head.find("X-Echo: a  Set-Cookie: b\r\n"), head.npos);
}

TEST(DateCache, WritesImfFixdate) {
  DateCache cache;
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
}

} // namespace
} // namespace panier::http
