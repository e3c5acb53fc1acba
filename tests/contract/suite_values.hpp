// The values that both suites speak in, and must(): short names, so that a test reads as its
// promise.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "commit/ports/ledger.hpp"

namespace panier::contract {

using namespace std::chrono_literals;
using cart::Cart;
using cart::Line;
using cart::LineKey;
using cart::Quantity;
using commit::CartId;
using commit::CartRow;
using commit::KeyRef;
using commit::LaneKey;
using commit::LaneRow;
using commit::Ledger;
using commit::LedgerTime;
using commit::Listed;
using commit::Opened;
using commit::OpenRequest;
using commit::StoredKey;
using commit::Token;
using commit::UserId;
using commit::Version;
using commit::Writes;

// The value, or the end of the test with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result)
    throw std::runtime_error(std::string(to_string(result.error().code)) + ": " +
                             result.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline UserId user(std::string_view text) {
  return UserId::parse(text).value();
}

inline CartId cart_id(int n) {
  CartId::Bytes bytes{0x65, 0x60};
  bytes[10] = static_cast<std::uint8_t>(n >> 8);
  bytes[11] = static_cast<std::uint8_t>(n & 0xff);
  return CartId(bytes);
}

inline Token token(int n) {
  Token::Bytes bytes{0xb0};
  bytes[14] = static_cast<std::uint8_t>(n >> 8);
  bytes[15] = static_cast<std::uint8_t>(n & 0xff);
  return Token(bytes);
}

inline Line line(std::string_view article, std::int64_t thousandths) {
  return Line{LineKey::parse(article).value(), Quantity::from_thousandths(thousandths)};
}

// "u000", "u001", ..: in byte order.
inline UserId numbered(int n) {
  std::string text = std::to_string(n);
  return user("u" + std::string(3 - text.size(), '0') + text);
}

inline LaneKey lane(int n) {
  return LaneKey{"instance-a", n};
}

inline KeyRef key_ref(const UserId& owner, std::uint8_t n) {
  KeyRef ref{owner, {}};
  ref.key.fill(n);
  return ref;
}

inline StoredKey stored_key(const UserId& owner, std::uint8_t n, std::string answer) {
  StoredKey key{key_ref(owner, n), {}, std::move(answer)};
  key.fingerprint.fill(static_cast<std::uint8_t>(n + 1));
  return key;
}

inline LedgerTime whole_seconds(LedgerTime time) {
  return std::chrono::floor<std::chrono::seconds>(time);
}

// Every quantity that a line may hold is somewhere near one of these; `n` lines, all different.
inline std::vector<Line> telling_lines(int n, std::int64_t start = 0) {
  constexpr std::int64_t edges[] = {
      1,           2,           100,           300,         999,     1000,    1001,      1'500,
      333'333'333, 999'999'999, 1'000'000'000, 123'456'789, 700'000, 290'001, 4'350'000, 1'005};
  constexpr std::int64_t stride = 7'654'321;
  std::vector<Line> lines;
  for (int i = 0; i < n; ++i) {
    const bool edge = start == 0 && i < static_cast<int>(std::size(edges));
    const auto thousandths = edge ? edges[i] : 1 + (start + i * stride) % Quantity::thousandths_max;
    lines.push_back(line("art." + std::to_string(i), thousandths));
  }
  return lines;
}

// Of rows of "jean dupont" and others, which no request can name, and of one that it can: the calls
// of upkeep return that one alone. `delete_all` makes tombstones of them, and a lag row of Jean's.
inline void expect_misnamed_apart(commit::Ledger& ledger, const UserId& named,
                                  const std::function<void()>& delete_all) {
  EXPECT_EQ(must(ledger.misnamed(user("d"), user("k"), 9)),
            std::vector<std::string>{"jean dupont"});
  const auto later = must(ledger.ping()) + std::chrono::hours(1);
  for (const auto& rows :
       {must(ledger.scan(std::nullopt, 10)), must(ledger.untouched(later, 10))}) {
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].user, named);
  }
  delete_all();
  EXPECT_EQ(must(ledger.purgeable(later, 10)).size(), 1U);
  EXPECT_TRUE(must(ledger.lagging(std::nullopt, 10)).empty());
}

} // namespace panier::contract
