#include "store/mariadb/bulk.hpp"

#include "store/lines/lines_json.hpp"

namespace panier::store::mariadb {
namespace {

// A column of text or bytes for all rows, laid out as the driver wants it.
class Column {
public:
  Column(std::size_t rows, std::size_t bytes_expected) {
    bytes_.reserve(rows * bytes_expected);
    lengths_.reserve(rows);
    indicators_.reserve(rows);
  }
  void add(std::string_view value) {
    bytes_ += value;
    lengths_.push_back(value.size());
    indicators_.push_back(STMT_INDICATOR_NONE);
  }
  void add_null() {
    lengths_.push_back(0);
    indicators_.push_back(STMT_INDICATOR_NULL);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  // Valid as long as the column, and until the next add().
  MYSQL_BIND bind() {
    values_.clear();
    char* next = bytes_.data();
    for (const auto length : lengths_) {
      values_.push_back(next);
      next += length;
    }
    MYSQL_BIND bound{};
    bound.buffer_type = MYSQL_TYPE_STRING;
    bound.buffer = static_cast<void*>(values_.data());
    bound.length = lengths_.data();
    bound.u.indicator = indicators_.data();
    return bound;
  }

private:
  std::string bytes_;
  std::vector<unsigned long> lengths_;
  std::vector<char> indicators_;
  std::vector<char*> values_;
};

// The same for numbers.
template <class Number>
MYSQL_BIND bind_numbers(std::vector<Number>& numbers) {
  MYSQL_BIND bound{};
  bound.buffer_type =
      sizeof(Number) == sizeof(std::int64_t) ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_LONG;
  bound.buffer = numbers.data();
  bound.is_unsigned = std::is_unsigned_v<Number>;
  return bound;
}

void add_token(Column& column, const commit::Token& token) {
  const auto& bytes = token.bytes();
  if (token == commit::Token{})
    column.add_null();
  else
    column.add({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Waits for no lock. Over another version than the one seen it fails, since the column takes no
// NULL.
const std::string& upsert_statement() {
  static const auto text = [] {
    std::string sql("SET STATEMENT innodb_lock_wait_timeout=0 FOR ");
    sql += cart_upsert_start;
    sql += "(?,?,?,?,?,?,?,?,?)";
    sql += cart_upsert_end;
    return sql += ",version=IF(version=?,VALUES(version),NULL)";
  }();
  return text;
}

// What a row takes beside its texts: three numbers, and for each column an indicator and a length.
constexpr std::size_t row_bytes_max = 64;

} // namespace

Result<void> write_in_bulk(Session& session, std::span<const commit::CartRow> carts,
                           std::span<const commit::CartRow> seen) {
  constexpr std::size_t lines_bytes_expected = 256;
  const auto rows = carts.size();
  std::vector<std::uint32_t> ids_maria;
  std::vector<std::int64_t> versions, versions_seen;
  Column ids(rows, 24), users(rows, 24), articles(rows, lines_bytes_expected), tokens(rows, 16);
  Column created(rows, timestamp_chars), updated(rows, timestamp_chars);
  Column deleted(rows, timestamp_chars);
  for (const auto& row : carts) {
    const auto* known = find_row(seen, row.user);
    if (known == nullptr) return not_opened(row.user);
    ids_maria.push_back(known->id_maria);
    ids.add(known->cart.id.hex());
    users.add(row.user.text());
    articles.add(articles_text(row));
    versions.push_back(row.cart.version);
    versions_seen.push_back(known->cart.version);
    add_token(tokens, row.token);
    created.add(timestamp_text(row.created_at));
    updated.add(timestamp_text(row.updated_at));
    if (row.cart.exists)
      deleted.add_null();
    else
      deleted.add(timestamp_text(row.updated_at));
  }

  // In the order of cart_upsert_start's columns, and the one behind them.
  std::array<MYSQL_BIND, 10> columns{bind_numbers(ids_maria),
                                     ids.bind(),
                                     users.bind(),
                                     articles.bind(),
                                     bind_numbers(versions),
                                     tokens.bind(),
                                     created.bind(),
                                     updated.bind(),
                                     deleted.bind(),
                                     bind_numbers(versions_seen)};
  const auto bytes = ids.bytes() + users.bytes() + articles.bytes() + tokens.bytes() +
                     created.bytes() + updated.bytes() + deleted.bytes() + rows * row_bytes_max;
  const auto changed = session.execute_bulk(upsert_statement(), columns, rows, bytes);
  if (!changed) return std::unexpected(changed.error());
  // Two for each row that was there (none stays as it was: its token is new), one for each other.
  if (*changed != 2 * rows)
    return fail(Errc::store_rejected, "a cart was not where it had been seen");
  return {};
}

} // namespace panier::store::mariadb
