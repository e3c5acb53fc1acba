#include "http/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace panier::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t read_bytes = std::size_t{8} * 1024; // asked of the socket at a time
// A client that always has more to read or to ask gives way to the others after so much.
constexpr unsigned reads_a_turn_max = 8;
constexpr unsigned steps_a_turn_max = 64;
constexpr std::string_view interim_response = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_safe(Method method) {
  return method == Method::get || method == Method::head || method == Method::options;
}

ParserLimits limits_of(const Settings& settings) {
  return {.headers_count_max = settings.headers_count_max,
          .headers_bytes_max = settings.headers_bytes_max,
          .body_bytes_max = settings.body_bytes_max};
}

} // namespace

Session::Session(Worker& worker, std::uint32_t slot, asio::ip::tcp::socket socket, std::string peer)
    : worker_(worker), slot_(slot), peer_(std::move(peer)), socket_(std::move(socket)) {}

void Session::start() {
  error_code ec;
  socket_.non_blocking(true, ec);
  if (ec) return close();
  set_deadline(worker_.settings().idle_timeout);
  receive(); // a first request is often there already
}

// ---- Reading

bool Session::wants_input() const noexcept {
  if (yielded_) return false;
  return state_ == State::idle || state_ == State::head || state_ == State::body ||
         state_ == State::draining;
}

void Session::wait_readable() {
  if (waiting_) return;
  waiting_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& ec) {
                       self->waiting_ = false;
                       if (self->state_ == State::closed) return;
                       if (ec) return self->close();
                       self->receive();
                     });
}

void Session::receive() {
  for (unsigned reads = 0; reads < reads_a_turn_max && wants_input(); ++reads) {
    if (in_.capacity() == 0) in_ = worker_.take_buffer();
    error_code ec;
    const std::size_t bytes = socket_.read_some(in_.prepare(read_bytes), ec);
    if (ec == asio::error::would_block) break;
    if (ec) return close(); // the client has gone, perhaps in the middle of a request
    in_.commit(bytes);
    advance();
    if (bytes < read_bytes) break; // that was all
  }
  rest();
}

void Session::proceed() {
  advance();
  rest();
}

void Session::rest() {
  if (!wants_input()) return;
  if (in_.size() == 0 && in_.capacity() > 0) worker_.give_back(std::exchange(in_, {}));
  wait_readable();
}

void Session::advance() {
  for (unsigned steps = 0; steps < steps_a_turn_max; ++steps) {
    if (!step()) return;
  }
  yielded_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->yielded_ = false;
    self->proceed();
  });
}

bool Session::step() {
  switch (state_) {
  case State::idle:
  case State::head: return take_head();
  case State::body: return take_body();
  case State::draining:
    drained_bytes_ += in_.size();
    in_.clear();
    if (drained_bytes_ > worker_.settings().drain_bytes_max) close();
    return false;
  case State::interim:
  case State::handling:
  case State::answering:
  case State::closed: return false;
  }
  return false;
}

std::string_view Session::buffered() const {
  const auto data = in_.cdata();
  return {static_cast<const char*>(data.data()), data.size()};
}

bool Session::take_head() {
  // RFC 9112 section 2.2: an empty line before the request line is forgiven; one.
  if (!skipped_empty_line_ && buffered().starts_with("\r\n")) {
    in_.consume(2);
    skipped_empty_line_ = true;
  }
  const std::string_view bytes = buffered();
  if (bytes.empty()) return false;
  if (state_ == State::idle) begin_request();
  if (bytes == "\r" && !skipped_empty_line_) return false;
  if (bytes.front() <= ' ' || bytes.front() > '~') {
    refuse({Errc::bad_request, {}, "not HTTP"}); // TLS, say: it would never send the LF we wait for
    return true;
  }
  const std::size_t bytes_max = worker_.settings().headers_bytes_max;
  const auto found = scanner_.scan(bytes);
  if (found == HeadScanner::Found::bare_lf || found == HeadScanner::Found::folded_line) {
    const bool folded = found == HeadScanner::Found::folded_line;
    refuse({Errc::bad_request, {}, folded ? "folded header line" : "line without CRLF"});
    return true;
  }
  const bool complete = found == HeadScanner::Found::end;
  if ((complete ? scanner_.head_size() : bytes.size() + 1) > bytes_max) {
    refuse({Errc::headers_too_large, {}, "head above the limit"});
    return true;
  }
  if (complete) after_head();
  return complete;
}

void Session::begin_request() {
  state_ = State::head;
  started_ = std::chrono::steady_clock::now();
  worker_.set_deadline(slot_, started_ + worker_.settings().request_timeout);
  request_ = {};
  request_.peer = peer_;
  request_.method = Method::other;
  match_ = {.handler = nullptr, .route = "unmatched", .error = {}};
  scanner_.reset();
  parser_.emplace(limits_of(worker_.settings()), request_);
}

void Session::after_head() {
  const auto parsed = parser_->head(buffered().substr(0, scanner_.head_size()));
  if (!parsed) return refuse(parsed.error());
  in_.consume(scanner_.head_size());
  match_ = worker_.router().match(request_);
  state_ = State::body;
  if (!parser_->expects_continue() || in_.size() > 0) return;
  if (match_.handler != nullptr) return send_continue();
  // What will be refused is not asked for. Whether the client sends it all the same, nobody knows:
  // close.
  method_ = request_.method;
  seen_ = std::move(request_);
  respond(std::move(match_.error), true);
}

void Session::send_continue() {
  state_ = State::interim;
  if (send({asio::buffer(interim_response), {}})) on_written();
}

bool Session::take_body() {
  if (!parser_->done()) {
    const auto used = parser_->body(buffered());
    if (!used) {
      refuse(used.error());
      return true;
    }
    in_.consume(*used);
    if (!parser_->done()) return false;
  }
  dispatch();
  return true;
}

// ---- Answering

void Session::dispatch() {
  method_ = request_.method;
  if (worker_.router().decorates()) {
    seen_ = {};
    seen_.method = request_.method;
    seen_.path = request_.path;
    seen_.headers = request_.headers;
    seen_.peer = peer_;
  }
  if (match_.handler == nullptr) return respond(std::move(match_.error), false);

  state_ = State::handling;
  const Ticket ticket = worker_.new_ticket(slot_);
  InlineAnswer inline_answer(*worker_.mailbox(), ticket);
  try {
    (*match_.handler)(std::move(request_), Reply(worker_.mailbox(), ticket));
  } catch (const std::exception& e) { // its Respond is dropped then: 500, unless it had answered
    handler_threw(e.what());
  } catch (...) {
    handler_threw("not a std::exception");
  }
  if (auto& delivery = inline_answer.delivery()) take_answer(std::move(delivery->response));
}

void Session::handler_threw(std::string_view what) {
  if (!worker_.hooks().trouble) return;
  std::string detail = "handler of " + std::string(match_.route) + " threw: " + std::string(what);
  worker_.hooks().trouble({Errc::internal, {}, std::move(detail)});
}

void Session::answered(std::optional<Response> response) {
  if (state_ != State::handling) return; // given up at the deadline
  take_answer(std::move(response));
  proceed();
}

void Session::take_answer(std::optional<Response> response) {
  if (response) return respond(std::move(*response), false);
  respond(worker_.router().error_page({Errc::internal, {}, "the handler gave no answer"}), false);
}

void Session::refuse(const Error& error) {
  method_ = request_.method;
  seen_ = std::move(request_);
  seen_.body.clear();
  respond(worker_.router().error_page(error), true);
}

void Session::respond(Response response, bool close) {
  worker_.router().finish(seen_, response);
  response_ = std::move(response);
  close_after_ = close || response_.close || worker_.draining() || !client_keeps();
  auto persistence = Persistence::close;
  if (!close_after_) {
    persistence = parser_->http_1_0() ? Persistence::keep_told : Persistence::keep;
  }
  write_head(head_, response_, persistence, worker_.date());
  const bool with_body = status_has_body(response_.status) && method_ != Method::head;
  state_ = State::answering;
  const auto body = with_body ? asio::buffer(std::as_const(response_.body)) : asio::const_buffer();
  if (send({asio::buffer(std::as_const(head_)), body})) finish_exchange();
}

bool Session::client_keeps() const {
  return parser_->done() && parser_->keep_alive();
}

bool Session::send(std::array<asio::const_buffer, 2> parts) {
  // Nearly always the socket takes all of it at once; only a slow reader costs a trip through the
  // event loop.
  error_code ec;
  std::size_t taken = socket_.write_some(parts, ec);
  if (ec && ec != asio::error::would_block) {
    close();
    return false;
  }
  for (auto& part : parts) {
    const std::size_t size = part.size();
    part += taken; // at most its size
    taken -= std::min(taken, size);
  }
  if (asio::buffer_size(parts) == 0) return true;
  const std::size_t held = head_.capacity() + response_.body.capacity();
  if (!worker_.take_room(held)) {
    abort();
    return false;
  }
  untaken_bytes_ = held;
  asio::async_write(socket_, parts,
                    [self = shared_from_this()](const error_code& failed, std::size_t) {
                      if (self->state_ == State::closed) return;
                      if (failed) return self->close();
                      self->on_written();
                      self->proceed();
                    });
  return false;
}

void Session::on_written() {
  give_room();
  if (state_ == State::answering) return finish_exchange();
  state_ = State::body; // the 100 is out
}

void Session::give_room() noexcept {
  worker_.give_room(std::exchange(untaken_bytes_, 0));
}

void Session::finish_exchange() {
  report(response_.status);
  response_ = {};
  state_ = State::idle;
  if (close_after_) return begin_close();
  skipped_empty_line_ = false;
  set_deadline(worker_.settings().idle_timeout);
}

void Session::report(unsigned status) {
  if (!worker_.hooks().finished) return;
  worker_.hooks().finished({.route = match_.route,
                            .method = method_,
                            .status = status,
                            .duration = std::chrono::steady_clock::now() - started_});
}

// ---- Ending

void Session::on_deadline() {
  switch (state_) {
  case State::idle:
  case State::draining:
  case State::closed: return close();
  case State::interim:
  case State::answering: return abort();
  case State::head:
  case State::body:
    set_deadline(worker_.settings().drain_timeout); // for the 408 to be taken
    refuse({Errc::request_timeout, {}, "the request did not come in time"});
    return proceed();
  case State::handling:
    set_deadline(worker_.settings().drain_timeout);
    respond(worker_.router().error_page(unanswered()), true);
    return proceed();
  }
}

Error Session::unanswered() const {
  const auto code = is_safe(method_) ? Errc::overloaded : Errc::outcome_unknown;
  return {code, {}, "the handler did not answer in time"};
}

void Session::stop() {
  if (state_ != State::idle) return; // respond() sees that the worker is draining
  receive();                         // a request that is already here is still answered
  if (state_ == State::idle && in_.size() == 0) close();
}

void Session::begin_close() {
  const bool client_is_done = parser_->done() && !parser_->keep_alive() && in_.size() == 0;
  if (client_is_done) return close();
  // Closing now, with bytes unread or on their way, makes the kernel send a reset, which may take
  // the answer away from a client that is still sending.
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  if (ec) return close();
  state_ = State::draining;
  set_deadline(worker_.settings().drain_timeout);
}

void Session::abort() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored); // what was not taken is not kept
  close();
}

void Session::close() {
  if (state_ == State::closed) return;
  if (state_ != State::idle && state_ != State::draining) report(0);
  state_ = State::closed;
  give_room();
  error_code ignored;
  socket_.close(ignored);
  worker_.release(slot_);
}

void Session::set_deadline(std::chrono::milliseconds from_now) {
  worker_.set_deadline(slot_, std::chrono::steady_clock::now() + from_now);
}

} // namespace panier::http
