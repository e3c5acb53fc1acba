#include "store/mariadb/rows.hpp"

#include <ranges>

#include "store/lines/lines_json.hpp"

namespace panier::store::mariadb {
namespace {

std::unexpected<Error> corrupt(std::string_view what, std::string_view text) {
  constexpr std::size_t excerpt_chars_max = 80;
  std::string detail(what);
  return fail(Errc::store_corrupt,
              detail.append(" cannot be read: ").append(text.substr(0, excerpt_chars_max)));
}

// The first that a TIMESTAMP holds; for those that cannot be read (MySQL's zero date).
constexpr commit::LedgerTime time_min{std::chrono::seconds{1}};

// Does `text` have a digit where the pattern has a 0, and else what the pattern has?
bool looks_like(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(text, pattern, [](char c, char wanted) {
    return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
  });
}

// `text` holds digits only, four at most.
int value_of(std::string_view text) {
  int value = 0;
  for (const char c : text)
    value = value * 10 + (c - '0');
  return value;
}

template <std::size_t Size>
bool copy_bytes(std::string_view text, std::array<std::uint8_t, Size>& bytes) {
  if (text.size() != Size) return false;
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return true;
}

std::optional<commit::Token> token(std::string_view text) {
  commit::Token::Bytes bytes{};
  if (!copy_bytes(text, bytes)) return std::nullopt;
  return commit::Token(bytes);
}

} // namespace

Result<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return corrupt("a number", text);
  return value;
}

Result<commit::UserId> user(std::string_view text) {
  // The column's collation takes blanks at the end for nothing: a row that a hand gave some is
  // found under the name without them.
  auto parsed = commit::UserId::parse(text.substr(0, text.find_last_not_of(' ') + 1));
  if (!parsed) return corrupt("a user_id", text);
  return *std::move(parsed);
}

Result<std::vector<commit::UserId>> users(std::string_view text) {
  std::vector<commit::UserId> all;
  for (const auto part : std::views::split(text, ',')) {
    auto one = user(std::string_view(part));
    if (!one) return std::unexpected(one.error());
    all.push_back(*std::move(one));
  }
  return all;
}

Result<commit::LedgerTime> ledger_time(std::string_view text) {
  const bool with_milliseconds = looks_like(text, "0000-00-00 00:00:00.000");
  if (!with_milliseconds && !looks_like(text, "0000-00-00 00:00:00"))
    return corrupt("a time", text);
  const std::chrono::year_month_day date{
      std::chrono::year{value_of(text.substr(0, 4))},
      std::chrono::month{static_cast<unsigned>(value_of(text.substr(5, 2)))},
      std::chrono::day{static_cast<unsigned>(value_of(text.substr(8, 2)))}};
  const std::chrono::hours hour{value_of(text.substr(11, 2))};
  const std::chrono::minutes minute{value_of(text.substr(14, 2))};
  const std::chrono::seconds second{value_of(text.substr(17, 2))};
  if (!date.ok() || hour.count() > 23 || minute.count() > 59 || second.count() > 59)
    return corrupt("a time", text);
  const int millisecond = with_milliseconds ? value_of(text.substr(20)) : 0;
  return std::chrono::sys_days{date} + hour + minute + second +
         std::chrono::milliseconds{millisecond};
}

Result<commit::CartRow> cart_row(const Row& row) {
  auto owner = user(row.text(2));
  if (!owner) return std::unexpected(owner.error());
  const auto id_maria = number(row.text(0));
  const auto id = commit::CartId::parse(row.text(1));
  const auto version = number(row.text(4));
  if (!id_maria || !version) // of the column's type they always are
    return corrupt("the cart of " + owner->text(), "id_maria or version");

  commit::CartRow read{.user = *std::move(owner), .cart = {}};
  if (id) read.cart.id = *id;
  read.cart.version = *version;
  read.cart.exists = row.null(8);
  read.id_maria = static_cast<std::uint32_t>(*id_maria);
  read.token = token(row.text(5)).value_or(commit::Token{}); // NULL: nobody's
  read.created_at = ledger_time(row.text(6)).value_or(time_min);
  read.updated_at = ledger_time(row.text(7)).value_or(time_min);
  const auto articles = row.null(3) ? std::string_view("[]") : row.text(3);
  auto lines = lines_from_json(articles);
  const bool misnamed = read.user.text() != row.text(2);
  if (lines && id && !misnamed)
    read.cart.lines = *std::move(lines);
  else
    read.unreadable = std::string(articles);
  return read;
}

Result<commit::LaneRow> lane_row(const Row& row) {
  const auto lane = number(row.text(1));
  const auto last_batch = number(row.text(2));
  const auto expires_at = ledger_time(row.text(4));
  auto reserved = listed_from_json(row.text(5));
  auto in_flight = listed_from_json(row.text(6));
  const auto heartbeat = ledger_time(row.text(7));
  if (!lane || !last_batch || !expires_at || !reserved || !in_flight || !heartbeat)
    return corrupt("the row of lane " + std::string(row.text(1)), row.text(0));

  commit::LaneRow read{.key = {std::string(row.text(0)), static_cast<int>(*lane)}};
  read.last_batch = *last_batch;
  if (!row.null(3)) {
    read.token = token(row.text(3));
    if (!read.token) return corrupt("the token of lane " + std::string(row.text(1)), row.text(0));
  }
  read.expires_at = *expires_at;
  read.reserved = *std::move(reserved);
  read.in_flight = *std::move(in_flight);
  read.heartbeat = *heartbeat;
  return read;
}

Result<commit::StoredKey> key_row(const Row& row) {
  auto owner = user(row.text(0));
  if (!owner) return std::unexpected(owner.error());
  commit::StoredKey read{.ref = {.user = *std::move(owner)}, .answer = std::string(row.text(3))};
  if (!copy_bytes(row.text(1), read.ref.key) || !copy_bytes(row.text(2), read.fingerprint))
    return corrupt("an idempotency key of", read.ref.user.text());
  return read;
}

} // namespace panier::store::mariadb
