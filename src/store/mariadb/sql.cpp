#include "store/mariadb/sql.hpp"

#include <cassert>

namespace panier::store::mariadb {
namespace {

using std::chrono::milliseconds;

constexpr commit::LedgerTime timestamp_min{milliseconds{1'000}};
constexpr commit::LedgerTime timestamp_max{milliseconds{2'147'483'647'000}};
constexpr commit::LedgerTime datetime_max{milliseconds{253'402'300'799'999}}; // the end of 9999

// Printable ASCII that cannot end or escape a literal.
constexpr auto harmless = [] {
  std::array<bool, 256> is_harmless{};
  for (unsigned byte = ' '; byte <= '~'; ++byte)
    is_harmless[byte] = byte != '\'' && byte != '\\';
  return is_harmless;
}();

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  auto at = out.size();
  out.resize(at + 2 * bytes.size());
  for (const auto byte : bytes) {
    out[at++] = digits[byte >> 4];
    out[at++] = digits[byte & 15];
  }
}

using TimestampText = std::array<char, timestamp_chars>;

TimestampText time_text(commit::LedgerTime value) {
  const auto bounded = std::clamp(value, commit::LedgerTime{}, datetime_max);
  const auto day = std::chrono::floor<std::chrono::days>(bounded);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(bounded - day);
  TimestampText text;
  const auto put = [&text](std::size_t at, std::size_t width, auto count) {
    auto number = static_cast<unsigned>(count);
    for (; width > 0; number /= 10)
      text[at + --width] = static_cast<char>('0' + number % 10);
  };
  put(0, 4, static_cast<int>(date.year()));
  text[4] = text[7] = '-';
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  text[10] = ' ';
  put(11, 2, clock.hours().count());
  text[13] = text[16] = ':';
  put(14, 2, clock.minutes().count());
  put(17, 2, clock.seconds().count());
  text[19] = '.';
  put(20, 3, clock.subseconds().count());
  return text;
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
  if (std::ranges::all_of(value, [](char c) { return harmless[static_cast<std::uint8_t>(c)]; })) {
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
  const auto text = time_text(value);
  text_ += '\'';
  text_.append(text.data(), text.size());
  text_ += '\'';
  return *this;
}

Sql& Sql::timestamp(commit::LedgerTime value) {
  return time(std::clamp(value, timestamp_min, timestamp_max));
}

std::string timestamp_text(commit::LedgerTime value) {
  const auto text = time_text(std::clamp(value, timestamp_min, timestamp_max));
  return {text.begin(), text.end()};
}

Sql& Sql::token(const commit::Token& value) {
  if (value == commit::Token{}) return raw("NULL");
  return bytes(value.bytes());
}

} // namespace panier::store::mariadb
