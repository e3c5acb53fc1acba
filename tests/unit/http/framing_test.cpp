// Raw bytes in, status and end of connection out: what is accepted, and above all what is not,
// because two programs that disagree about where a request ends let one client's bytes become
// another's request.
#include "raw_client.hpp"

#include <deque>

namespace panier::http::test {
namespace {

class FramingTest : public testing::Test {
protected:
  FramingTest() {
    add_common_routes(router_);
    EXPECT_TRUE(server_.start());
  }
  Router router_{error_page};
  Server server_{quick_settings(), router_};
};

constexpr std::string_view sentinel = "GET /hello HTTP/1.1\r\nHost: s\r\n\r\n";

std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view headers, std::string_view body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
std::string chunked(std::string_view body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

TEST_F(FramingTest, RefusedWithCloseAndNothingBehindItIsARequest) {
  const struct {
    const char* name;
    std::string bytes;
    unsigned status;
  } cases[] = {
      {"two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), 400},
      {"two equal lengths", post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), 400},
      {"length list", post("Content-Length: 1, 1\r\n", "a"), 400},
      {"negative length", post("Content-Length: -1\r\n", ""), 400},
      {"plus length", post("Content-Length: +1\r\n", "a"), 400},
      {"hex length", post("Content-Length: 0x1\r\n", "a"), 400},
      {"empty length", post("Content-Length:\r\n", ""), 400},
      {"length beyond 64 bits", post("Content-Length: 18446744073709551617\r\n", "a"), 400},
      {"two large lengths", post("Content-Length: 99999\r\nContent-Length: 99999\r\n", "a"), 400},
      {"length then chunked",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked then length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"gzip and length", post("Transfer-Encoding: gzip\r\nContent-Length: 1\r\n", "a"), 400},
      {"chunked twice",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"identity then chunked",
       post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"gzip", post("Transfer-Encoding: gzip\r\n", ""), 501},
      {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 501},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
      {"quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 501},
      {"chunked in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"vertical tab before chunked", post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), 400},
      {"space before the colon", post("Content-Length : 1\r\n", "a"), 400},
      {"space before chunked's colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"folded value", get("/hello", "X: a\r\n b\r\n"), 400},
      {"folded chunked", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
      {"first line folded", "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"bare LF", "GET /hello HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF at the end", "GET /hello HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare CR in a value", get("/hello", "X: a\rb\r\n"), 400},
      {"NUL in a value", get("/hello", std::string("X: a\0b\r\n", 8)), 400},
      {"NUL in a name", get("/hello", std::string("X\0: a\r\n", 7)), 400},
      {"no colon", get("/hello", "X\r\n"), 400},
      {"empty name", get("/hello", ": a\r\n"), 400},
      {"name of another alphabet", get("/hello", "X\xc3\xa9: a\r\n"), 400},
      {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400},
      {"two hosts", get("/hello", "Host: b\r\n"), 400},
      {"two equal hosts", get("/hello", "Host: a\r\n"), 400},
      {"host with a space", "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"host with a path", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with a user", "GET /hello HTTP/1.1\r\nHost: u@b\r\n\r\n", 400},
      {"two hosts in 1.0", "GET /hello HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"http 2", "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"http 1.2", "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n", 400},
      {"http 0.9", "GET /hello\r\n\r\n", 400},
      {"lower case http", "GET /hello http/1.1\r\nHost: a\r\n\r\n", 400},
      {"two spaces", "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space in the target", "GET /hel lo HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"trailing space", "GET /hello HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"leading space", " GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two empty lines first", "\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tls", "\x16\x03\x01\x02", 400},
      {"relative target", get("hello"), 400},
      {"fragment", get("/hello#a"), 400},
      {"asterisk", get("*"), 400},
      {"authority", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"other scheme", get("ftp://a/hello"), 400},
      {"absolute without authority", get("http:///hello"), 400},
      {"bad percent", get("/user/%zz"), 400},
      {"cut percent", get("/user/%4"), 400},
      {"unknown method", "FROB /hello HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"lower case method", "get /hello HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"chunk size is no number", chunked("x\r\n\r\n"), 400},
      {"negative chunk", chunked("-1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size with 0x", chunked("0x1\r\na\r\n0\r\n\r\n"), 400},
      {"space before the size", chunked(" 1\r\na\r\n0\r\n\r\n"), 400},
      {"space after the size", chunked("1 \r\na\r\n0\r\n\r\n"), 400},
      {"chunk size beyond 64 bits", chunked("10000000000000001\r\na\r\n0\r\n\r\n"), 400},
      {"chunk longer than said", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk line ends in LF", chunked("1\na\r\n0\r\n\r\n"), 400},
      {"chunk ends in LF", chunked("1\r\na\n0\r\n\r\n"), 400},
      {"LF in an extension", chunked("1;a=\"\n\"\r\na\r\n0\r\n\r\n"), 400},
      {"CR in an extension", chunked("1;a=\"\r\"\r\na\r\n0\r\n\r\n"), 400},
      {"length in a trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
      {"trailer without colon", chunked("0\r\nX\r\n\r\n"), 400},
      {"another expectation", post("Expect: tea\r\nContent-Length: 1\r\n", "a"), 417},
  };
  for (const auto& [name, bytes, status] : cases) {
    SCOPED_TRACE(name);
    RawClient client(server_.port());
    const auto answer = client.ask(bytes + std::string(sentinel));
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_FALSE(answer.body.empty());
    client.finish_sending();
    EXPECT_TRUE(client.closed());
    EXPECT_FALSE(client.was_reset());
  }
}

TEST_F(FramingTest, AnsweredAndTheConnectionStays) {
  const struct {
    const char* name;
    std::string bytes;
    unsigned status;
    std::string body;
  } cases[] = {
      {"get", get("/hello"), 200, "hello"},
      {"query", get("/hello?a=/b#%zz"), 400, "bad_request"}, // a fragment never travels
      {"query ignored", get("/hello?a=/b%zz"), 200, "hello"},
      {"absolute form", get("http://other:1/hello?x"), 200, "hello"},
      {"absolute form, capitals", get("HTTP://other/hello"), 200, "hello"},
      {"absolute form without path", get("http://other"), 404, "route_not_found"},
      {"slash within a segment", get("/user/a%2Fb"), 200, "a/b"},
      {"decoded once", get("/user/%2541"), 200, "%41"},
      {"trailing slash", get("/hello/"), 404, "route_not_found"},
      {"double slash", get("//hello"), 404, "route_not_found"},
      {"dots stay", get("/user/../hello"), 404, "route_not_found"},
      {"empty line first", "\r\n" + get("/hello"), 200, "hello"},
      {"empty host", "GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 200, "hello"},
      {"host of IPv6", "GET /hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, "hello"},
      {"no space after the colon", "GET /hello HTTP/1.1\r\nHost:a\r\n\r\n", 200, "hello"},
      {"obs-text in a value", get("/hello", "X: \xe9\r\n"), 200, "hello"},
      {"body", post("Content-Length: 5\r\n", "12345"), 200, "12345"},
      {"no body", post("", ""), 200, ""},
      {"empty body", post("Content-Length: 0\r\n", ""), 200, ""},
      {"leading zeros", post("Content-Length: 005\r\n", "12345"), 200, "12345"},
      {"body of a get", get("/hello", "Content-Length: 3\r\n") + "abc", 200, "hello"},
      {"body of a refused request", get("/nowhere", "Content-Length: 3\r\n") + "abc", 404,
       "route_not_found"},
      {"chunked", chunked("5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n"), 200, "123456"},
      {"CHUNKED", post("Transfer-Encoding: CHUNKED\r\n", "1\r\na\r\n0\r\n\r\n"), 200, "a"},
      {"chunk of capitals", chunked("A\r\n0123456789\r\n00\r\n\r\n"), 200, "0123456789"},
      {"no chunk", chunked("0\r\n\r\n"), 200, ""},
      {"extensions and trailers", chunked("1;a=b;c=\"d e\"\r\nx\r\n0;z\r\nX: y\r\n\r\n"), 200, "x"},
      {"known but unused method", "TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405,
       "method_not_allowed"},
      {"options for all", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, ""},
      {"old keep-alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "hello"},
  };
  for (const auto& [name, bytes, status, body] : cases) {
    SCOPED_TRACE(name);
    RawClient client(server_.port());
    auto answer = client.ask(bytes);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body, body);
    if (status == 400) continue;
    EXPECT_EQ(client.ask(sentinel).body, "hello");
  }
}

TEST_F(FramingTest, ByteByByteIsTheSame) {
  for (const auto& bytes : {get("/hello", "X: y\r\n"), post("Content-Length: 5\r\n", "hello"),
                            chunked("5\r\nhello\r\n0\r\n\r\n"),
                            chunked("2\r\nhe\r\n3;x\r\nllo\r\n0\r\nA: b\r\n\r\n")}) {
    RawClient client(server_.port());
    for (const char byte : bytes)
      ASSERT_TRUE(client.send({&byte, 1}));
    EXPECT_EQ(client.read().body, "hello") << bytes;
    EXPECT_EQ(client.ask(sentinel).body, "hello");
  }
}

TEST_F(FramingTest, EmptyChunkedBodyByteByByte) { // Beast 1.81 asserts on fewer than 5 bytes
  RawClient client(server_.port());
  for (const char byte : chunked("0\r\n\r\n"))
    ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(client.read().status, 200U);
}

} // namespace
} // namespace panier::http::test
