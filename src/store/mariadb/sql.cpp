#include "store/mariadb/sql.hpp"

#include <cassert>

namespace panier::store::mariadb {
namespace {

using std::chrono::milliseconds;

constexpr commit::LedgerTime timestamp_min{milliseconds{1'000}};
constexpr commit::LedgerTime timestamp_max{milliseconds{2'147'483'647'000}};
constexpr commit::LedgerTime datetime_max{milliseconds{253'402'300'799'999}}; // the end of 9999

// Printable ASCII that cannot end or escape a literal.
bool harmless(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c <= '~' && c != '\'' && c != '\\'; });
}

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const auto byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  std::array<char, 20> digits{};
  for (std::size_t i = width; i > 0; --i) {
    digits[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits.data(), width);
}

void append_time(std::string& out, commit::LedgerTime value) {
  const auto bounded = std::clamp(value, commit::LedgerTime{}, datetime_max);
  const auto day = std::chrono::floor<std::chrono::days>(bounded);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(bounded - day);
  append_digits(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += ' ';
  append_digits(out, clock.hours().count(), 2);
  out += ':';
  append_digits(out, clock.minutes().count(), 2);
  out += ':';
  append_digits(out, clock.seconds().count(), 2);
  out += '.';
  append_digits(out, clock.subseconds().count(), 3);
}

} // namespace

Sql& Sql::statement(std::string_view start) {
  if (statements_ > 0) text_ += ';';
  ++statements_;
  return raw(start);
}

Sql& Sql::number(std::int64_t value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text_.append(digits.data(), end);
  return *this;
}

Sql& Sql::user(const commit::UserId& user) {
  assert(cart::is_identifier(user.text())); // its alphabet has no quote and no backslash
  text_ += '\'';
  text_ += user.text();
  text_ += '\'';
  return *this;
}

Sql& Sql::quoted(std::string_view value) {
  if (harmless(value)) {
    text_ += '\'';
    text_ += value;
    text_ += '\'';
    return *this;
  }
  text_ += "_utf8mb4 x'";
  append_hex(text_, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  text_ += '\'';
  return *this;
}

Sql& Sql::bytes(std::span<const std::uint8_t> value) {
  text_ += "x'";
  append_hex(text_, value);
  text_ += '\'';
  return *this;
}

Sql& Sql::time(commit::LedgerTime value) {
  text_ += '\'';
  append_time(text_, value);
  text_ += '\'';
  return *this;
}

Sql& Sql::timestamp(commit::LedgerTime value) {
  return time(std::clamp(value, timestamp_min, timestamp_max));
}

std::string timestamp_text(commit::LedgerTime value) {
  std::string text;
  text.reserve(timestamp_chars);
  append_time(text, std::clamp(value, timestamp_min, timestamp_max));
  return text;
}

Sql& Sql::token(const commit::Token& value) {
  if (value == commit::Token{}) return raw("NULL");
  return bytes(value.bytes());
}

} // namespace panier::store::mariadb
