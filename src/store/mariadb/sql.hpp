// A packet of SQL statements being written. Values get in only through the typed methods, so no
// text can ever end a literal: what is not plainly harmless goes in as hex digits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "commit/ports/ledger.hpp"

namespace panier::store::mariadb {

// 'YYYY-MM-DD hh:mm:ss.mmm' without the quotes, UTC, as a TIMESTAMP column takes it. Such a column
// holds 1970-01-01 00:00:01 to 2038-01-19 03:14:07; what lies outside becomes the nearer end.
inline constexpr std::size_t timestamp_chars = 23;
[[nodiscard]] std::string timestamp_text(commit::LedgerTime value);

class Sql {
public:
  explicit Sql(std::size_t bytes_expected = 1024) { text_.reserve(bytes_expected); }

  // Starts the next statement. Fixed text of ours only.
  Sql& statement(std::string_view start);
  Sql& raw(std::string_view sql) {
    text_ += sql;
    return *this;
  }
  Sql& number(std::int64_t value);
  Sql& user(const commit::UserId& user);
  Sql& quoted(std::string_view value);
  Sql& bytes(std::span<const std::uint8_t> value);
  // 'YYYY-MM-DD hh:mm:ss.mmm', UTC.
  Sql& time(commit::LedgerTime value);
  // Within a TIMESTAMP column's range, as timestamp_text().
  Sql& timestamp(commit::LedgerTime value);
  // NULL for the token that was never given (all zero).
  Sql& token(const commit::Token& value);

  // "a, b, c" with `write(item)` for each.
  template <class Items, class Write>
  Sql& list(const Items& items, Write write) {
    return joined(items, ", ", write);
  }
  template <class Items, class Write>
  Sql& any_of(const Items& items, Write write) {
    return joined(items, " OR ", write);
  }

  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] int statements() const { return statements_; }

private:
  template <class Items, class Write>
  Sql& joined(const Items& items, std::string_view between, Write write) {
    bool first = true;
    for (const auto& item : items) {
      if (!first) text_ += between;
      first = false;
      write(item);
    }
    return *this;
  }

  std::string text_;
  int statements_ = 0;
};

} // namespace panier::store::mariadb
