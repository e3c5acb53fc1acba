// One connection: reads a request, has it handled, writes the answer, and again. A plain state
// machine that runs on its worker's thread; nothing here is touched by another. One request at a
// time: a pipelined one is read when the answer before it has been written. Private to the
// transport: includes Asio.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"
#include "http/worker.hpp"

namespace panier::http {

class Session : public std::enable_shared_from_this<Session> {
public:
  Session(Worker& worker, std::uint32_t slot, boost::asio::ip::tcp::socket socket,
          std::string peer);

  void start();
  void answered(std::optional<Response> response); // to the exchange in flight; nullopt: dropped
  void on_deadline();
  void stop();  // closes an idle connection; another one closes after the answer it owes
  void abort(); // now

private:
  enum class State : std::uint8_t {
    idle,      // between requests
    head,      // some of the head is there
    interim,   // the 100 is being written
    body,      // some of the body is there, or none yet
    handling,  // a handler owes the answer
    answering, // the answer is being written
    draining,  // half-closed; what still comes in is thrown away
    closed,
  };

  // Reading.
  [[nodiscard]] bool wants_input() const noexcept;
  void wait_readable();
  void receive();
  // Goes as far as it can with what was read; then waits for more if that is what is missing.
  void proceed();
  void advance();
  void rest();
  [[nodiscard]] bool step(); // false: nothing to do before something happens
  [[nodiscard]] bool take_head();
  [[nodiscard]] bool take_body();
  void begin_request();
  void after_head();
  void send_continue();

  // Answering.
  void dispatch();
  void handler_threw(std::string_view what);
  void take_answer(std::optional<Response> response);
  void
  refuse(const Error& error); // the transport's own errors, after which the connection cannot go on
  void respond(Response response, bool close);
  [[nodiscard]] bool client_keeps() const;
  [[nodiscard]] Error unanswered() const;
  [[nodiscard]] bool
  send(std::array<boost::asio::const_buffer, 2> parts); // false: on_written follows, or closed
  void on_written();
  void give_room() noexcept;
  void finish_exchange();
  void report(unsigned status);

  // Ending.
  void begin_close();
  void close();

  [[nodiscard]] std::string_view buffered() const;
  void set_deadline(std::chrono::milliseconds from_now);

  // Set once.
  Worker& worker_;
  const std::uint32_t slot_;
  const std::string peer_;

  boost::asio::ip::tcp::socket socket_;
  State state_ = State::idle;
  bool waiting_ = false; // for the socket to be readable
  bool yielded_ = false; // a continuation is queued, so that other sessions get their turn
  boost::beast::flat_buffer in_;

  // The request.
  HeadScanner scanner_;
  std::optional<RequestParser> parser_;
  Request request_;
  Request seen_; // without body, for Router::finish, when the handler has taken request_
  Router::Match match_;
  SteadyTime started_;
  bool skipped_empty_line_ = false;

  // The answer.
  std::string head_;
  Response response_;
  Method method_ = Method::other;
  bool close_after_ = false;
  std::size_t untaken_bytes_ = 0; // as the worker has been told
  std::size_t drained_bytes_ = 0;
};

} // namespace panier::http
