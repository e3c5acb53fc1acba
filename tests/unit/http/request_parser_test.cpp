// The parser alone, so that every cut of the bytes is tried; what it accepts and refuses stands in
// framing_test.cpp.
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

namespace panier::http {
namespace {

constexpr ParserLimits limits{
    .headers_count_max = 10, .headers_bytes_max = 1024, .body_bytes_max = 100};

// Feeds `wire` so that the first look at it is at `first` bytes, and each further one at `step`
// more.
Result<std::string> body_of(std::string_view head, std::string_view wire, std::size_t first,
                            std::size_t step) {
  Request request;
  RequestParser parser(limits, request);
  if (auto parsed = parser.head(head); !parsed) return std::unexpected(parsed.error());
  std::size_t taken = 0;
  for (std::size_t arrived = first; !parser.done();
       arrived = std::min(arrived + step, wire.size())) {
    const auto used = parser.body(wire.substr(taken, arrived - taken));
    if (!used) return std::unexpected(used.error());
    taken += *used;
    if (arrived == wire.size() && *used == 0) return fail(Errc::internal, "not done at the end");
  }
  return request.body;
}

TEST(RequestParser, ChunksMayBeCutAnywhere) {
  constexpr std::string_view head =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::pair<std::string, std::string> cases[] = {
      {"0\r\n\r\n", ""}, // Beast 1.81 asserts when it sees four bytes of this
      {"0;a=b\r\nX: y\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"2;x=\"y\"\r\nhe\r\n003\r\nllo\r\n0\r\nA: b\r\nC: d\r\n\r\n", "hello"},
  };
  for (const auto& [wire, body] : cases) {
    for (std::size_t first = 0; first <= wire.size(); ++first) {
      for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, wire.size()}) {
        const auto parsed = body_of(head, wire, first, step);
        ASSERT_TRUE(parsed) << parsed.error().detail << ": " << wire << " " << first << "+" << step;
        EXPECT_EQ(*parsed, body);
      }
    }
  }
}

// Found by fuzzing: Beast looks for the closing quote on the next lines, and takes the chunk's size
// off the body's limit each time it looks.
TEST(RequestParser, AnExtensionEndsWithItsLineWhateverTheCut) {
  constexpr std::string_view head =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view wire :
       {"2;x=\"y\r\nhe\r\n0\r\n\r\n", "1\r\na\r\n2;x=\"y\r\nhe\"\r\n0\r\n\r\n"}) {
    for (std::size_t first = 0; first <= wire.size(); ++first) {
      for (const std::size_t step : {std::size_t{1}, std::size_t{2}, wire.size()}) {
        const auto parsed = body_of(head, wire, first, step);
        ASSERT_FALSE(parsed) << wire << " " << first << "+" << step;
        EXPECT_EQ(parsed.error().code, Errc::bad_request) << wire << " " << first << "+" << step;
      }
    }
  }
}

// Found by fuzzing: what follows a complete body is no part of it, however much it is.
TEST(RequestParser, TheNextRequestIsNoTrailer) {
  Request request;
  RequestParser parser(limits, request);
  ASSERT_TRUE(parser.head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  constexpr std::string_view body = "1\r\nx\r\n0\r\n\r\n";
  EXPECT_EQ(parser.body(std::string(body) + std::string(limits.headers_bytes_max + 1, 'y')),
            body.size());
  EXPECT_TRUE(parser.done());
}

TEST(RequestParser, ALengthCountsBytesWhateverTheCut) {
  constexpr std::string_view head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
  for (std::size_t first = 0; first <= 5; ++first)
    EXPECT_EQ(body_of(head, "hello", first, 1), "hello");
}

TEST(RequestParser, TheLimitHoldsWhileChunksComeIn) {
  constexpr std::string_view head =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "32\r\n" + std::string(50, 'x') + "\r\n";
  EXPECT_TRUE(body_of(head, chunk + chunk + "0\r\n\r\n", 0, 1));
  const auto parsed = body_of(head, chunk + chunk + "1\r\nx\r\n0\r\n\r\n", 0, 1);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::body_too_large);
}

} // namespace
} // namespace panier::http
