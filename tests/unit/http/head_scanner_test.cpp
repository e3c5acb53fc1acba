#include "http/head_scanner.hpp"

#include <gtest/gtest.h>

#include <string>

namespace panier::http {
namespace {

using Found = HeadScanner::Found;

// However the bytes are cut, the verdict is the same.
Found scan_byte_by_byte(const std::string& bytes, HeadScanner& scanner) {
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const auto found = scanner.scan(std::string_view(bytes).substr(0, size));
    if (found != Found::more) return found;
  }
  return Found::more;
}

TEST(HeadScanner, TellsWhereTheHeadEnds) {
  const struct {
    std::string bytes;
    Found found;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", Found::end},
      {"GET / HTTP/1.1\r\nHost: a\r\n", Found::more},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r", Found::more},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", Found::bare_lf},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", Found::bare_lf},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", Found::bare_lf},
      {"\nGET / HTTP/1.1\r\n\r\n", Found::bare_lf},
      {"GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", Found::folded_line},
      {"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", Found::folded_line},
      {"GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", Found::folded_line},
  };
  for (const auto& [bytes, expected] : cases) {
    HeadScanner whole;
    HeadScanner cut;
    EXPECT_EQ(whole.scan(bytes), expected) << bytes;
    EXPECT_EQ(scan_byte_by_byte(bytes, cut), expected) << bytes;
    if (expected == Found::end) {
      EXPECT_EQ(bytes.substr(whole.head_size()), "body");
      EXPECT_EQ(whole.head_size(), cut.head_size());
    }
  }
}

} // namespace
} // namespace panier::http
