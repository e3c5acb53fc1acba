// One connection to MariaDB: packets of statements out, answers in, in order. It decides in one
// place whether the connection may live on, and connects by itself when there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "result/result.hpp"
#include "store/mariadb/handles.hpp"
#include "store/mariadb/resolver.hpp"
#include "store/mariadb/settings.hpp"

namespace panier::store::mariadb {

// One row of an answer; valid until the next one is read.
class Row {
public:
  Row(MYSQL_ROW values, const unsigned long* lengths) : values_(values), lengths_(lengths) {}
  [[nodiscard]] bool null(unsigned column) const { return values_[column] == nullptr; }
  // "" for NULL.
  [[nodiscard]] std::string_view text(unsigned column) const {
    return null(column) ? std::string_view{} : std::string_view(values_[column], lengths_[column]);
  }

private:
  MYSQL_ROW values_;
  const unsigned long* lengths_;
};

// Used by one thread at a time.
class Session {
public:
  Session(Settings settings, std::shared_ptr<Resolver> resolver);

  // A packet of statements separated by ';' goes out as one; each statement's answer must then be
  // taken by done() or rows(), in order. The server stops at the first statement that fails.
  //
  // begin() connects when there is no connection, and replaces one that turns out to be dead before
  // the first statement was answered (idle over night) once, at once: so it is for packets that may
  // run twice.
  [[nodiscard]] Result<void> begin(std::string_view packet);
  // go_on() is for the inside of a transaction: it fails when its connection does.
  [[nodiscard]] Result<void> go_on(std::string_view packet);

  struct Done {
    std::uint64_t affected = 0;
    unsigned warnings = 0;
  };
  [[nodiscard]] Result<Done> done();
  // Takes what is left of the packet's answers, none of which has rows.
  [[nodiscard]] Result<void> all_done();
  // Calls take(const Row&) -> Result<void> for each row. After its first failure the rest is read
  // and dropped, so that the connection stays in step, and that failure is returned.
  template <class Take>
  [[nodiscard]] Result<void> rows(Take take) {
    if (auto opened = open_rows(); !opened) return opened;
    Result<void> taken;
    while (const auto row = fetch())
      if (taken) taken = take(*row);
    if (auto closed = close_rows(); !closed) return closed;
    return taken;
  }

  // Runs one statement once for each row of these columns (arrays, as the driver's bulk protocol
  // wants them), inside a transaction like go_on(). `sql` must live as long as the session: it is
  // prepared once a connection.
  // `bytes`: what the packet takes, at most. Returns how many rows the server counts as affected.
  [[nodiscard]] Result<std::uint64_t> execute_bulk(std::string_view sql,
                                                   std::span<MYSQL_BIND> columns, std::size_t rows,
                                                   std::size_t bytes);
  // Does the server (or a proxy before it) speak that protocol?
  [[nodiscard]] bool takes_bulk() const { return takes_bulk_; }

  // Reads and drops the answers that nobody wants any more. Afterwards the connection is in step,
  // or gone.
  void skip_answers() noexcept;
  // Cuts the connection without waiting for the server; the next begin() makes a new one.
  void drop() noexcept;

  // How the last failure of this session came about.
  enum class Cause : std::uint8_t {
    not_sent,       // the packet did not leave: nothing of it can have had an effect
    server_refused, // the server said so, and stopped at that statement
    no_answer,      // the packet left, and nobody knows what became of it
  };
  [[nodiscard]] Cause last_cause() const { return last_cause_; }
  // The error number behind it; 0: neither the server's nor the driver's.
  [[nodiscard]] unsigned last_number() const { return last_number_; }

private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  [[nodiscard]] Result<void> connect();
  [[nodiscard]] Result<void> connect_to(const std::string& address, std::chrono::seconds timeout);
  [[nodiscard]] Result<void> set_up();
  [[nodiscard]] Result<void> may_send(std::size_t bytes);
  [[nodiscard]] Result<void> send(std::string_view packet);
  [[nodiscard]] Result<void> next_answer();
  [[nodiscard]] Result<void> open_rows();
  [[nodiscard]] std::optional<Row> fetch();
  [[nodiscard]] Result<void> close_rows();
  // What the driver's last error means; closes the connection when that may not live.
  [[nodiscard]] std::unexpected<Error> failure(SteadyTime asked);
  [[nodiscard]] std::unexpected<Error> failure(SteadyTime asked, unsigned number, const char* text);
  [[nodiscard]] std::unexpected<Error> out_of_step();

  const Settings settings_;
  const std::shared_ptr<Resolver> resolver_;

  // Of the thread that uses the session.
  ConnectionPtr connection_;
  StatementPtr bulk_;         // after connection_: goes first
  std::string_view bulk_sql_; // what it was prepared from
  bool takes_bulk_ = false;
  ResultPtr result_;                 // the rows being read
  SteadyTime rows_asked_{};          // when the wait for the next of them began
  bool answer_ready_ = false;        // the next answer has arrived and was not taken yet
  std::size_t packet_bytes_max_ = 0; // the server's max_allowed_packet
  Cause last_cause_ = Cause::not_sent;
  unsigned last_number_ = 0;
  bool timed_out_ = false; // the last failure was a wait without an answer
};

} // namespace panier::store::mariadb
