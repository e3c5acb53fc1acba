#include "store/mariadb/session.hpp"

#include <fmt/format.h>
#include <mysqld_error.h>

#include "store/mariadb/errors.hpp"

namespace panier::store::mariadb {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// The driver gives up at its timeout or a little before; a connection that breaks takes less.
constexpr milliseconds timeout_slack{100};

// 10.6 brought SKIP LOCKED. MySQL counts below it, and is not MariaDB.
constexpr unsigned long server_version_min = 100'600;

void initialise_driver_once() {
  static const int initialised = mysql_library_init(0, nullptr, nullptr);
  (void)initialised; // it can only fail for want of memory, and mysql_init() then fails too
}

unsigned whole_seconds(seconds time) {
  return static_cast<unsigned>(time.count());
}

// Everything that is said to the driver before it connects.
void set_options(MYSQL* connection, const Settings& settings, seconds connect_timeout) {
  const unsigned connect_s = whole_seconds(connect_timeout);
  const unsigned read_s = whole_seconds(settings.read_timeout);
  const unsigned write_s = whole_seconds(settings.write_timeout);
  mysql_optionsv(connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
  mysql_optionsv(connection, MYSQL_OPT_READ_TIMEOUT, &read_s);
  mysql_optionsv(connection, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
  // A transaction must never go on on another connection without our knowing.
  const my_bool off = 0;
  mysql_optionsv(connection, MYSQL_OPT_RECONNECT, &off);
  // "localhost" would otherwise mean a socket file, which a container does not have.
  const unsigned tcp = MYSQL_PROTOCOL_TCP;
  mysql_optionsv(connection, MYSQL_OPT_PROTOCOL, &tcp);
  mysql_optionsv(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // A server must not be able to ask for our files.
  const unsigned no_local_files = 0;
  mysql_optionsv(connection, MYSQL_OPT_LOCAL_INFILE, &no_local_files);
  mysql_optionsv(connection, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "panier");
}

bool speaks_bulk(MYSQL* connection) {
  unsigned long capabilities = 0; // the upper half of the protocol's 64 bits
  if (mariadb_get_infov(connection, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES,
                        &capabilities) != 0)
    return false;
  constexpr unsigned long bulk = MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32;
  return (capabilities & bulk) != 0;
}

} // namespace

Session::Session(Settings settings, std::shared_ptr<Resolver> resolver)
    : settings_(std::move(settings)), resolver_(std::move(resolver)) {}

Result<void> Session::begin(std::string_view packet) {
  const bool idle_before = connection_ != nullptr;
  if (!idle_before)
    if (auto connected = connect(); !connected) return connected;
  auto sent = send(packet);
  // It may have died while nobody looked. A server that does not answer in time is another matter:
  // asking it again would double the wait.
  const bool was_dead =
      !sent && sent.error().code == Errc::store_unreachable && !connection_ && !timed_out_;
  if (!was_dead || !idle_before) return sent;
  if (auto connected = connect(); !connected) return connected;
  return send(packet);
}

Result<void> Session::go_on(std::string_view packet) {
  return send(packet);
}

Result<Session::Done> Session::done() {
  if (auto answer = next_answer(); !answer) return std::unexpected(answer.error());
  if (mysql_field_count(connection_.get()) != 0) return out_of_step();
  answer_ready_ = false;
  return Done{mysql_affected_rows(connection_.get()), mysql_warning_count(connection_.get())};
}

Result<std::uint64_t> Session::execute_bulk(std::string_view sql, std::span<MYSQL_BIND> columns,
                                            std::size_t rows, std::size_t bytes) {
  if (auto may = may_send(bytes); !may) return std::unexpected(may.error());
  const auto asked = steady_clock::now();
  const auto failed = [&] {
    return failure(asked, mysql_stmt_errno(bulk_.get()), mysql_stmt_error(bulk_.get()));
  };
  if (bulk_sql_ != sql) {
    bulk_.reset(mysql_stmt_init(connection_.get()));
    if (!bulk_) return fail(Errc::store_unreachable, "no memory for a statement");
    bulk_sql_ = {};
    if (mysql_stmt_prepare(bulk_.get(), sql.data(), sql.size()) != 0) {
      // The server's statements are all in use, perhaps by others (max_prepared_stmt_count).
      if (mysql_stmt_errno(bulk_.get()) == ER_MAX_PREPARED_STMT_COUNT_REACHED) takes_bulk_ = false;
      return failed();
    }
    bulk_sql_ = sql;
  }
  const auto array_size = static_cast<unsigned>(rows);
  mysql_stmt_attr_set(bulk_.get(), STMT_ATTR_ARRAY_SIZE, &array_size);
  if (mysql_stmt_bind_param(bulk_.get(), columns.data()) != 0) return failed();
  if (mysql_stmt_execute(bulk_.get()) != 0) return failed();
  return mysql_stmt_affected_rows(bulk_.get());
}

Result<void> Session::all_done() {
  do {
    if (auto taken = done(); !taken) return std::unexpected(taken.error());
  } while (mysql_more_results(connection_.get()) != 0);
  return {};
}

void Session::skip_answers() noexcept {
  while (connection_ && (answer_ready_ || mysql_more_results(connection_.get()) != 0)) {
    if (!next_answer()) return;
    result_.reset(mysql_use_result(connection_.get()));
    result_.reset(); // reads the rest of its rows
    answer_ready_ = false;
  }
}

void Session::drop() noexcept {
  if (!connection_) return;
  // First the socket: what closes politely may wait for a server that does not read any more.
  mariadb_cancel(connection_.get());
  result_.reset();
  bulk_.reset();
  bulk_sql_ = {};
  connection_.reset();
  answer_ready_ = false;
}

Result<void> Session::connect() {
  initialise_driver_once();
  const auto deadline = steady_clock::now() + settings_.connect_timeout;
  const auto addresses = resolver_->addresses(settings_.connect_timeout);
  if (!addresses) return std::unexpected(addresses.error());

  Result<void> connected = fail(Errc::store_unreachable, "no time left to connect");
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const auto left = deadline - steady_clock::now();
    if (left <= steady_clock::duration::zero()) break;
    // An address that swallows packets leaves the others their share.
    const auto share = left / static_cast<int>(addresses->size() - i);
    const auto timeout = std::max(std::chrono::round<seconds>(share), seconds{1});
    connected = connect_to((*addresses)[i], timeout);
    if (connected || connected.error().code != Errc::store_unreachable) break;
  }
  return connected;
}

Result<void> Session::connect_to(const std::string& address, seconds timeout) {
  connection_.reset(mysql_init(nullptr));
  if (!connection_) return fail(Errc::store_unreachable, "no memory for a connection");
  set_options(connection_.get(), settings_, timeout);
  timed_out_ = false;
  const auto* ready =
      mysql_real_connect(connection_.get(), address.c_str(), settings_.user.c_str(),
                         settings_.password.c_str(), settings_.database.c_str(), settings_.port,
                         nullptr, CLIENT_MULTI_STATEMENTS); // and no CLIENT_FOUND_ROWS
  if (ready == nullptr) {
    last_number_ = mysql_errno(connection_.get());
    const auto verdict = judge(last_number_);
    auto detail = fmt::format("connecting to {}:{}: {} ({})", settings_.host, settings_.port,
                              mysql_error(connection_.get()), last_number_);
    connection_.reset(); // whatever was wrong: this one never came to life
    // Nothing was asked yet, so even an unknown error is no more than "not there".
    const bool denied = verdict.code == Errc::store_denied;
    return fail(denied ? Errc::store_denied : Errc::store_unreachable, std::move(detail));
  }
  if (mysql_get_server_version(connection_.get()) < server_version_min) {
    auto detail = fmt::format("MariaDB 10.6 or later is needed; {}:{} is {}", settings_.host,
                              settings_.port, mysql_get_server_info(connection_.get()));
    drop();
    return fail(Errc::store_denied, std::move(detail));
  }
  takes_bulk_ = speaks_bulk(connection_.get());
  auto ready_to_work = set_up();
  if (!ready_to_work) drop();
  return ready_to_work;
}

// Every new connection, before anything else: what the rules of the commit path rest on.
Result<void> Session::set_up() {
  packet_bytes_max_ = 4096; // until the server has told us its own
  const auto packet = fmt::format(
      "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;"
      "SET SESSION time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = {0}, "
      "lock_wait_timeout = {0}, idle_transaction_timeout = {1}, max_error_count = 1024, "
      "group_concat_max_len = 65536, " // look()'s list of users, a batch's at most
      "sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';"
      "SELECT @@max_allowed_packet",
      settings_.lock_wait.count(), settings_.idle_transaction.count());
  if (auto sent = send(packet); !sent) return sent;
  for (int statement = 0; statement < 2; ++statement)
    if (auto set = done(); !set) return std::unexpected(set.error());
  return rows([&](const Row& row) -> Result<void> {
    const auto text = row.text(0);
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), packet_bytes_max_);
    if (error != std::errc{}) return fail(Errc::store_corrupt, "max_allowed_packet");
    return {};
  });
}

Result<void> Session::may_send(std::size_t bytes) {
  timed_out_ = false;
  last_cause_ = Cause::not_sent;
  last_number_ = 0;
  if (!connection_) return fail(Errc::store_unreachable, "the connection is gone");
  // Answers that nobody took would be taken for this packet's.
  if (answer_ready_ || result_) return out_of_step();
  // The server would close the connection, and leave us guessing.
  if (bytes < packet_bytes_max_) return {};
  return fail(Errc::store_rejected, fmt::format("{} bytes are more than max_allowed_packet ({})",
                                                bytes, packet_bytes_max_));
}

Result<void> Session::send(std::string_view packet) {
  if (auto may = may_send(packet.size()); !may) return may;
  const auto asked = steady_clock::now();
  if (mysql_real_query(connection_.get(), packet.data(), packet.size()) != 0) return failure(asked);
  answer_ready_ = true;
  return {};
}

Result<void> Session::next_answer() {
  if (!connection_) return fail(Errc::store_unreachable, "the connection is gone");
  if (answer_ready_) return {};
  const auto asked = steady_clock::now();
  const int more = mysql_next_result(connection_.get());
  if (more > 0) return failure(asked);
  if (more < 0) return out_of_step();
  answer_ready_ = true;
  return {};
}

Result<void> Session::open_rows() {
  if (auto answer = next_answer(); !answer) return answer;
  result_.reset(mysql_use_result(connection_.get()));
  if (!result_) return out_of_step();
  rows_asked_ = steady_clock::now();
  return {};
}

std::optional<Row> Session::fetch() {
  const MYSQL_ROW values = mysql_fetch_row(result_.get());
  if (values == nullptr) return std::nullopt;
  return Row(values, mysql_fetch_lengths(result_.get()));
}

Result<void> Session::close_rows() {
  answer_ready_ = false;
  const bool broken = mysql_errno(connection_.get()) != 0;
  if (!broken) {
    result_.reset();
    return {};
  }
  auto error = failure(rows_asked_);
  result_.reset();
  return error;
}

std::unexpected<Error> Session::failure(SteadyTime asked) {
  return failure(asked, mysql_errno(connection_.get()), mysql_error(connection_.get()));
}

std::unexpected<Error> Session::failure(SteadyTime asked, unsigned number, const char* text) {
  last_number_ = number;
  auto verdict = judge(last_number_);
  auto detail = fmt::format("{} ({})", text, number);
  answer_ready_ = false;
  last_cause_ = said_by_server(last_number_) ? Cause::server_refused : Cause::no_answer;
  const auto waited = steady_clock::now() - asked;
  if (last_cause_ == Cause::no_answer && verdict.code == Errc::store_unreachable &&
      waited >= std::min(settings_.read_timeout, settings_.write_timeout) - timeout_slack) {
    verdict.code = Errc::store_timeout;
    timed_out_ = true;
  }
  if (!verdict.connection_lives) drop();
  return fail(verdict.code, std::move(detail));
}

std::unexpected<Error> Session::out_of_step() {
  last_cause_ = Cause::no_answer;
  drop();
  return fail(Errc::internal, "MariaDB's answers and our statements are out of step");
}

} // namespace panier::store::mariadb
