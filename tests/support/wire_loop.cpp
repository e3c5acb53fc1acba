#include "support/wire_loop.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "support/wire_message.hpp"

namespace panier::support::wire {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Kind = WireFault::Kind;

constexpr int waiting_clients_max = 64;
constexpr milliseconds accept_retry{50};

bool is_work(std::string_view name) {
  static constexpr std::array<std::string_view, 5> work{"update", "insert", "delete", "find",
                                                        "getMore"};
  return std::ranges::find(work, name) != work.end();
}

// {panierFault: "update", kind: "drop_after", skip: 0, times: 1, code: 0, indexes: [..], delay_ms:
// 0}. nullopt: no such kind.
std::optional<WireFault> parse_fault(const bson_t* body) {
  const auto kind = parse_fault_kind(text(body, "kind"));
  if (!kind) return std::nullopt;
  WireFault fault{.command = text(body, "panierFault"),
                  .kind = *kind,
                  .skip = static_cast<int>(number(body, "skip")),
                  .times = static_cast<int>(number(body, "times", 1)),
                  .code = static_cast<int>(number(body, "code")),
                  .delay = milliseconds(number(body, "delay_ms"))};
  const auto list = field(body, "indexes");
  bson_iter_t index;
  if (list && bson_iter_recurse(&*list, &index))
    while (bson_iter_next(&index))
      fault.indexes.push_back(static_cast<int>(bson_iter_as_int64(&index)));
  return fault;
}

} // namespace

// One client: reads a message, answers it, reads the next. Lives as long as something is pending
// for it; a step that leaves nothing pending closes the connection.
class Loop::Connection : public std::enable_shared_from_this<Connection> {
  using Step = void (Connection::*)();

  // The step, if all went well until then.
  auto then(Step step) {
    return [self = shared_from_this(), step](const error_code& error, std::size_t = 0) {
      if (!error) self->run(step);
    };
  }

  void run(Step step) {
    try {
      (this->*step)();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "WireDouble: closing a connection: %s\n", error.what());
    }
  }

public:
  Connection(Loop& loop, tcp::socket socket)
      : loop_(loop), socket_(std::move(socket)), timer_(loop.context_) {}

  void read() {
    boost::asio::async_read(socket_, boost::asio::buffer(&header_, sizeof header_),
                            then(&Connection::read_body));
  }

private:
  void read_body() {
    bytes_.resize(body_size(header_));
    boost::asio::async_read(socket_, boost::asio::buffer(bytes_), then(&Connection::begin));
  }

  void begin() {
    message_ = parse(header_, bytes_);
    if (message_.command.name == "panierFault") {
      answer_ = envelope(header_, control());
      return reply();
    }
    fault_ = loop_.script_.noticed(message_.command);
    if (is(Kind::drop_before)) return;
    if (is(Kind::hang_before)) return hang(&Connection::slow_down);
    slow_down();
  }

  void slow_down() {
    microseconds pause = is_work(message_.command.name) ? loop_.delay_ : microseconds(0);
    if (is(Kind::delay)) pause += fault_->delay;
    if (pause <= microseconds(0)) return carry_out();
    timer_.expires_after(pause);
    timer_.async_wait(then(&Connection::carry_out));
  }

  void carry_out() {
    answer_ = envelope(header_, loop_.commands_.answer(message_.command, fault_, loop_.port_));
    if (is(Kind::drop_after)) return;
    if (is(Kind::hang_after)) return hang(&Connection::reply);
    reply();
  }

  void reply() {
    if (!message_.wants_answer) return read();
    const bool half = is(Kind::half_reply);
    const std::size_t size = half ? answer_.size() / 2 : answer_.size();
    boost::asio::async_write(socket_, boost::asio::buffer(answer_, size),
                             then(half ? &Connection::end : &Connection::read));
  }

  void end() {}

  void hang(Step step) {
    loop_.hanging_.emplace_back([self = shared_from_this(), step] { self->run(step); });
  }

  [[nodiscard]] bool is(Kind kind) const { return fault_ && fault_->kind == kind; }

  // Orders a fault, or takes all back: {panierFault: "clear"}.
  std::string control() {
    const View body(message_.command.body);
    fault_.reset();
    Doc answer;
    if (text(body.get(), "panierFault") == "clear") {
      loop_.script_.clear();
      loop_.resume();
    } else if (auto fault = parse_fault(body.get())) {
      loop_.script_.inject(std::move(*fault));
    } else {
      BSON_APPEND_UTF8(answer.get(), "errmsg", "kind: no such fault");
      BSON_APPEND_INT32(answer.get(), "code", 2);
      BSON_APPEND_DOUBLE(answer.get(), "ok", 0);
      return answer.raw();
    }
    BSON_APPEND_DOUBLE(answer.get(), "ok", 1);
    return answer.raw();
  }

  Loop& loop_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  Header header_;
  std::string bytes_;
  Message message_; // views into bytes_
  std::optional<WireFault> fault_;
  std::string answer_;
};

Loop::Loop(std::uint16_t port, microseconds delay, Commands& commands, Script& script)
    : delay_(delay), commands_(commands), script_(script) {
  const tcp::endpoint address(boost::asio::ip::address_v4::loopback(), port);
  try {
    acceptor_.open(address.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(address);
    acceptor_.listen(waiting_clients_max);
  } catch (const std::exception& error) {
    throw std::runtime_error("WireDouble: port " + std::to_string(port) + ": " + error.what());
  }
  port_ = acceptor_.local_endpoint().port();
  accept();
  thread_ = std::thread([this] { context_.run(); });
}

Loop::~Loop() {
  context_.stop();
  thread_.join();
}

void Loop::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error) { // out of descriptors: whoever waits is served when there are some again
      retry_.expires_after(accept_retry);
      return retry_.async_wait([this](const error_code&) { accept(); });
    }
    error_code gone; // a client that has left already is found out by its first read
    socket.set_option(tcp::no_delay(true), gone);
    std::make_shared<Connection>(*this, std::move(socket))->read();
    accept();
  });
}

void Loop::resume() {
  boost::asio::post(context_, [this] {
    for (const auto& step : std::exchange(hanging_, {}))
      step();
  });
}

} // namespace panier::support::wire
