#include "mariadb.hpp"

#include <stdexcept>

#include <errmsg.h>
#include <mysqld_error.h>

#include "store/lines/lines_json.hpp"

namespace panier::bench {
namespace {

// Any cart of the product's limits: 200 lines of at most 120 bytes.
constexpr std::size_t articles_bytes_max = std::size_t{64} * 1024;

[[noreturn]] void fail_with(MYSQL* connection) {
  throw MariadbError{mysql_errno(connection), mysql_error(connection)};
}

MYSQL_BIND column(enum_field_types type, void* buffer, std::size_t bytes, unsigned long* length) {
  MYSQL_BIND bound{};
  bound.buffer_type = type;
  bound.buffer = buffer;
  bound.buffer_length = bytes;
  bound.length = length;
  return bound;
}

} // namespace

bool MariadbError::conflict() const {
  return number == ER_LOCK_DEADLOCK || number == ER_LOCK_WAIT_TIMEOUT || number == ER_CHECKREAD ||
         number == ER_DUP_ENTRY; // two that make the same cart
}

Error MariadbError::error() const {
  return {conflict() ? Errc::cart_busy : Errc::ledger_unavailable, {}, text};
}

Mariadb::Mariadb(const store::mariadb::Settings& settings) : connection_(mysql_init(nullptr)) {
  const unsigned tcp = MYSQL_PROTOCOL_TCP;
  const auto timeout_s = static_cast<unsigned>(settings.read_timeout.count());
  mysql_optionsv(connection_.get(), MYSQL_OPT_PROTOCOL, &tcp);
  mysql_optionsv(connection_.get(), MYSQL_OPT_READ_TIMEOUT, &timeout_s);
  mysql_optionsv(connection_.get(), MYSQL_OPT_WRITE_TIMEOUT, &timeout_s);
  mysql_optionsv(connection_.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(connection_.get(), settings.host.c_str(), settings.user.c_str(),
                         settings.password.c_str(), settings.database.c_str(), settings.port,
                         nullptr, 0) == nullptr)
    throw std::runtime_error(std::string("MariaDB: ") + mysql_error(connection_.get()));
  run("SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 1");
  run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

void Mariadb::run(std::string_view sql) {
  if (mysql_real_query(connection_.get(), sql.data(), sql.size()) != 0)
    fail_with(connection_.get());
}

void Mariadb::autocommit(bool on) {
  if (autocommit_ == on) return;
  if (mysql_autocommit(connection_.get(), on ? 1 : 0) != 0) fail_with(connection_.get());
  autocommit_ = on;
}

void Mariadb::commit() {
  if (mysql_commit(connection_.get()) != 0) fail_with(connection_.get());
}

void Mariadb::rollback() noexcept {
  mysql_rollback(connection_.get());
}

Prepared::Prepared(Mariadb& connection, std::string_view sql)
    : statement_(mysql_stmt_init(connection.get())) {
  if (mysql_stmt_prepare(statement_.get(), sql.data(), sql.size()) != 0)
    throw std::runtime_error(std::string(sql) + ": " + mysql_stmt_error(statement_.get()));
}

void Prepared::fail_here() {
  throw MariadbError{mysql_stmt_errno(statement_.get()), mysql_stmt_error(statement_.get())};
}

MYSQL_BIND Prepared::bind(const std::string_view& text) {
  MYSQL_BIND bound{};
  bound.buffer_type = MYSQL_TYPE_STRING;
  bound.buffer = const_cast<char*>(text.data()); // only read
  bound.buffer_length = text.size();
  return bound;
}

MYSQL_BIND Prepared::bind(const std::int64_t& number) {
  MYSQL_BIND bound{};
  bound.buffer_type = MYSQL_TYPE_LONGLONG;
  bound.buffer = const_cast<std::int64_t*>(&number);
  return bound;
}

std::uint64_t Prepared::execute_bound(MYSQL_BIND* values) {
  if (mysql_stmt_bind_param(get(), values) != 0 || mysql_stmt_execute(get()) != 0) fail_here();
  return mysql_stmt_affected_rows(get());
}

CartQuery::CartQuery(Mariadb& connection, std::string_view sql)
    : Prepared(connection, sql), articles_(articles_bytes_max) {
  std::array<MYSQL_BIND, 6> columns{
      column(MYSQL_TYPE_LONGLONG, &id_maria_, 0, nullptr),
      column(MYSQL_TYPE_STRING, id_.data(), id_.size(), &id_bytes_),
      column(MYSQL_TYPE_STRING, articles_.data(), articles_.size(), &articles_bytes_),
      column(MYSQL_TYPE_LONGLONG, &version_, 0, nullptr),
      column(MYSQL_TYPE_TINY, &deleted_, 0, nullptr),
      column(MYSQL_TYPE_TINY, &flag_, 0, nullptr)};
  if (mysql_stmt_bind_result(get(), columns.data()) != 0) fail_here();
}

std::optional<StoredCart> CartQuery::find(const cart::UserId& user) {
  execute(std::string_view(user.text()));
  const int fetched = mysql_stmt_fetch(get());
  if (fetched == MYSQL_NO_DATA) return std::nullopt;
  if (fetched != 0) fail_here(); // also a text that is longer than any of ours
  auto found = stored();
  if (mysql_stmt_fetch(get()) != MYSQL_NO_DATA) fail_here(); // user_id is unique
  return found;
}

StoredCart CartQuery::stored() const {
  auto lines = store::lines_from_json({articles_.data(), articles_bytes_});
  const auto id = cart::CartId::parse({id_.data(), id_bytes_});
  if (!lines || !id) throw MariadbError{CR_UNKNOWN_ERROR, "a cart that cannot be read"};
  return {.id_maria = static_cast<std::uint32_t>(id_maria_),
          .cart = {
              .id = *id, .version = version_, .exists = deleted_ == 0, .lines = *std::move(lines)}};
}

} // namespace panier::bench
