#include "support/wire_double.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "support/wire_commands.hpp"

namespace panier::support {
namespace {

using wire::Command;
using wire::Doc;
using wire::View;

constexpr std::size_t message_bytes_max = 48'000'000;
constexpr std::int32_t op_reply = 1, op_query = 2004, op_msg = 2013;
constexpr std::uint32_t checksum_present = 1, more_to_come = 2;

struct Header {
  std::int32_t length = 0, request_id = 0, response_to = 0, opcode = 0;
};
static_assert(sizeof(Header) == 16);

// A message's bytes, read from the front. Throws std::runtime_error at the end.
class Cursor {
public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] bool at_end() const { return left_.empty(); }
  std::string_view take(std::size_t size) {
    if (size > left_.size()) throw std::runtime_error("message too short");
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  template <class Number>
  Number number() {
    Number value;
    const std::string_view bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  std::string_view text() {
    const std::string_view taken =
        take(left_.find('\0') == left_.npos ? left_.size() + 1 : left_.find('\0'));
    left_.remove_prefix(1);
    return taken;
  }
  std::string_view document() {
    std::int32_t size = 0;
    if (left_.size() >= sizeof size) std::memcpy(&size, left_.data(), sizeof size);
    return take(size < 5 ? left_.size() + 1 : static_cast<std::size_t>(size));
  }
  void drop_last(std::size_t size) { left_.remove_suffix(std::min(size, left_.size())); }

private:
  std::string_view left_;
};

struct Message {
  Command command;
  bool wants_answer = true;
};

std::string first_key(std::string_view body) {
  const View view(body);
  bson_iter_t at;
  const bool any = bson_iter_init(&at, view.get()) && bson_iter_next(&at);
  return any ? bson_iter_key(&at) : "";
}

Message parse_msg(std::string_view bytes) {
  Cursor cursor(bytes);
  const auto flags = cursor.number<std::uint32_t>();
  if ((flags & checksum_present) != 0) cursor.drop_last(4);
  Message message{.command = {}, .wants_answer = (flags & more_to_come) == 0};
  while (!cursor.at_end()) {
    if (cursor.number<std::uint8_t>() == 0) {
      message.command.body = cursor.document();
      continue;
    }
    const auto size = cursor.number<std::int32_t>();
    Cursor sequence(cursor.take(size < 4 ? message_bytes_max : static_cast<std::size_t>(size) - 4));
    auto& [name, documents] = message.command.sequences.emplace_back();
    name = sequence.text();
    while (!sequence.at_end())
      documents.push_back(sequence.document());
  }
  message.command.name = first_key(message.command.body);
  return message;
}

Message parse_query(std::string_view bytes) {
  Cursor cursor(bytes);
  cursor.take(4); // flags
  cursor.text();  // admin.$cmd
  cursor.take(8); // skip, limit
  Message message;
  message.command.body = cursor.document();
  message.command.name = first_key(message.command.body);
  return message;
}

void append(std::string& to, const auto& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string envelope(const Header& request, const std::string& document) {
  const bool msg = request.opcode == op_msg;
  std::string bytes;
  const std::size_t size = sizeof(Header) + (msg ? 5 : 20) + document.size();
  append(bytes,
         Header{static_cast<std::int32_t>(size), 0, request.request_id, msg ? op_msg : op_reply});
  if (msg) {
    bytes.append(5, '\0'); // flags, and a section of kind 0
  } else {
    bytes.append(16, '\0'); // flags, cursor, starting from
    append(bytes, std::int32_t{1});
  }
  return bytes += document;
}

bool receive(int socket, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket, into, size, 0);
    if (got <= 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

int listen_on(std::uint16_t& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, generic, size) != 0 || listen(listener, 64) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    close(listener);
    throw std::runtime_error("WireDouble: cannot listen on port " + std::to_string(port));
  }
  port = ntohs(address.sin_port);
  return listener;
}

struct Text {
  std::string operator()(char* text) const {
    std::string copy(text);
    bson_free(text);
    return copy;
  }
};

// Extended JSON to BSON.
std::string from_json(std::string_view json) {
  bson_error_t error{};
  Doc document;
  bson_t parsed;
  if (!bson_init_from_json(&parsed, json.data(), static_cast<ssize_t>(json.size()), &error))
    throw std::runtime_error(std::string("WireDouble: not JSON: ") +
                             static_cast<const char*>(error.message));
  bson_concat(document.get(), &parsed);
  bson_destroy(&parsed);
  return document.raw();
}

} // namespace

class WireDouble::Server {
public:
  explicit Server(const Options& options)
      : options_(options), commands_(options), port_(options.port) {
    up();
  }
  ~Server() { down(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void up() {
    listener_ = listen_on(port_);
    {
      const std::lock_guard lock(mutex_);
      closing_ = false;
    }
    acceptor_ = std::thread([this] { accept_all(); });
  }

  void down() {
    if (!acceptor_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      for (const Connection& connection : connections_)
        shutdown(connection.socket, SHUT_RDWR);
    }
    changed_.notify_all();
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    for (Connection& connection : connections_)
      connection.thread.join(); // the acceptor adds no more
    connections_.clear();
  }

  void inject(WireFault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(std::move(fault));
  }

  void clear_faults() {
    {
      const std::lock_guard lock(mutex_);
      faults_.clear();
      ++cleared_;
    }
    changed_.notify_all();
  }

  [[nodiscard]] int count(std::string_view command) const {
    const std::lock_guard lock(mutex_);
    const auto at = seen_.find(command);
    return at == seen_.end() ? 0 : at->second.count;
  }

  [[nodiscard]] bool wait_count(std::string_view command, int at_least,
                                std::chrono::milliseconds time) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [&] {
      const auto at = seen_.find(command);
      return at != seen_.end() && at->second.count >= at_least;
    });
  }

  [[nodiscard]] std::string last(std::string_view command) const {
    const std::lock_guard lock(mutex_);
    const auto at = seen_.find(command);
    if (at == seen_.end()) return {};
    return Text{}(bson_as_relaxed_extended_json(View(at->second.last).get(), nullptr));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  wire::Commands& commands() { return commands_; }

private:
  struct Connection {
    int socket = -1;
    std::atomic<bool> ended = false;
    std::thread thread;
  };
  struct Seen {
    int count = 0;
    std::string last;
  };

  void accept_all() {
    while (true) {
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::lock_guard lock(mutex_);
      if (closing_) {
        close(socket);
        return;
      }
      reap_ended();
      Connection& connection = connections_.emplace_back();
      connection.socket = socket;
      connection.thread = std::thread([this, &connection] { serve(connection); });
    }
  }

  // Under mutex_. Monitors and pools come and go: their threads must not pile up.
  void reap_ended() {
    std::erase_if(connections_, [](Connection& connection) {
      if (connection.ended) connection.thread.join();
      return connection.ended.load();
    });
  }

  void serve(Connection& connection) {
    try {
      while (serve_one(connection.socket)) {
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "WireDouble: closing a connection: %s\n", error.what());
    }
    // Under the lock: down() must not shut a number down that is somebody else's by now.
    const std::lock_guard lock(mutex_);
    close(connection.socket);
    connection.socket = -1;
    connection.ended = true;
  }

  // False: the connection is to be closed.
  bool serve_one(int socket) {
    Header header;
    if (!receive(socket, reinterpret_cast<char*>(&header), sizeof header)) return false;
    const auto length = static_cast<std::size_t>(std::max(header.length, 0));
    if (length < sizeof header || length > message_bytes_max) return false;
    std::string bytes(length - sizeof header, '\0');
    if (!receive(socket, bytes.data(), bytes.size())) return false;
    if (header.opcode != op_msg && header.opcode != op_query) return false;
    const Message message = header.opcode == op_msg ? parse_msg(bytes) : parse_query(bytes);
    if (message.command.name == "panierFault")
      return send_all(socket, envelope(header, control(message.command)));

    const std::optional<WireFault> fault = noticed(message.command);
    using Kind = WireFault::Kind;
    const auto is = [&fault](Kind kind) { return fault && fault->kind == kind; };
    if (is(Kind::drop_before)) return false;
    if (fault && fault->kind == Kind::delay) std::this_thread::sleep_for(fault->delay);
    if (is(Kind::hang_before) && !hang()) return false;
    if (slowed(message.command.name)) std::this_thread::sleep_for(options_.delay);
    const std::string answer = envelope(header, commands_.answer(message.command, fault, port_));
    if (is(Kind::drop_after)) return false;
    if (is(Kind::hang_after) && !hang()) return false;
    if (!message.wants_answer) return true;
    if (is(Kind::half_reply)) {
      send_all(socket, std::string_view(answer).substr(0, answer.size() / 2));
      return false;
    }
    return send_all(socket, answer);
  }

  [[nodiscard]] bool slowed(std::string_view name) const {
    static constexpr std::array<std::string_view, 5> work{"update", "insert", "delete", "find",
                                                          "getMore"};
    return options_.delay.count() > 0 && std::ranges::find(work, name) != work.end();
  }

  // Counts the command, and takes the first fault that is its.
  std::optional<WireFault> noticed(const Command& command) {
    std::optional<WireFault> taken;
    {
      const std::lock_guard lock(mutex_);
      Seen& seen = seen_[command.name];
      ++seen.count;
      seen.last = command.body;
      for (auto at = faults_.begin(); at != faults_.end() && !taken; ++at) {
        if (at->command != "*" && at->command != command.name) continue;
        if (at->skip > 0) {
          --at->skip;
          continue;
        }
        taken = *at;
        if (at->times > 0) --at->times;
        if (at->times == 0) faults_.erase(at);
        break;
      }
    }
    changed_.notify_all();
    return taken;
  }

  // Until the faults are cleared; false: until the server goes down.
  bool hang() {
    std::unique_lock lock(mutex_);
    const int before = cleared_;
    changed_.wait(lock, [&] { return closing_ || cleared_ != before; });
    return !closing_;
  }

  // {panierFault: "update", kind: "drop_after", skip: 0, times: 1, code: 0, indexes: [..],
  // delay_ms: 0}, or {panierFault: "clear"}.
  std::string control(const Command& command) {
    const View body(command.body);
    const auto kind = parse_fault_kind(wire::text(body.get(), "kind"));
    WireFault fault;
    fault.command = wire::text(body.get(), "panierFault");
    Doc reply;
    if (fault.command == "clear") {
      clear_faults();
    } else if (!kind) {
      BSON_APPEND_UTF8(reply.get(), "errmsg", "kind: no such fault");
      BSON_APPEND_INT32(reply.get(), "code", 2);
      BSON_APPEND_DOUBLE(reply.get(), "ok", 0);
      return reply.raw();
    } else {
      fault.kind = *kind;
      fault.skip = static_cast<int>(wire::number(body.get(), "skip"));
      fault.times = static_cast<int>(wire::number(body.get(), "times", 1));
      fault.code = static_cast<int>(wire::number(body.get(), "code"));
      fault.delay = std::chrono::milliseconds(wire::number(body.get(), "delay_ms"));
      const auto list = wire::field(body.get(), "indexes");
      bson_iter_t index;
      if (list && bson_iter_recurse(&*list, &index))
        while (bson_iter_next(&index))
          fault.indexes.push_back(static_cast<int>(bson_iter_as_int64(&index)));
      inject(std::move(fault));
    }
    BSON_APPEND_DOUBLE(reply.get(), "ok", 1);
    return reply.raw();
  }

  const Options options_;
  wire::Commands commands_;
  // Of the thread that owns the double.
  std::uint16_t port_;
  int listener_ = -1;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  mutable std::condition_variable
      changed_; // a command came, the faults were cleared, or the server goes down
  // guarded by mutex_
  std::list<Connection> connections_;
  std::list<WireFault> faults_;
  std::map<std::string, Seen, std::less<>> seen_;
  int cleared_ = 0;
  bool closing_ = false;
};

WireDouble::WireDouble(Options options) : server_(std::make_unique<Server>(options)) {}
WireDouble::~WireDouble() = default;

std::uint16_t WireDouble::port() const {
  return server_->port();
}

std::string WireDouble::uri(std::string_view options, std::string_view login) const {
  std::string uri = "mongodb://";
  if (!login.empty()) uri.append(login).append("@");
  uri += "127.0.0.1:" + std::to_string(port()) + "/Paniers";
  if (!options.empty()) uri.append("?").append(options);
  return uri;
}

void WireDouble::inject(WireFault fault) {
  server_->inject(std::move(fault));
}
void WireDouble::clear_faults() {
  server_->clear_faults();
}
void WireDouble::down() {
  server_->down();
}
void WireDouble::up() {
  server_->up();
}
int WireDouble::count(std::string_view command) const {
  return server_->count(command);
}
std::string WireDouble::last(std::string_view command) const {
  return server_->last(command);
}

bool WireDouble::wait_count(std::string_view command, int at_least,
                            std::chrono::milliseconds time) const {
  return server_->wait_count(command, at_least, time);
}

void WireDouble::insert(std::string_view json) {
  server_->commands().with_panier(
      [&](wire::Collection& panier) { panier.insert(from_json(json)); });
}

int WireDouble::edit(std::string_view query_json, std::string_view update_json) {
  const std::string query = from_json(query_json), update = from_json(update_json);
  return server_->commands().with_panier([&](wire::Collection& panier) {
    return static_cast<int>(
        panier.update(View(query).get(), View(update).get(), true, false).matched);
  });
}

std::vector<std::string> WireDouble::documents(std::string_view filter_json) const {
  const std::string filter = from_json(filter_json);
  return server_->commands().with_panier([&](const wire::Collection& panier) {
    std::vector<std::string> texts;
    for (const std::string& document : panier.find(View(filter).get(), nullptr, 0, 0))
      texts.push_back(Text{}(bson_as_canonical_extended_json(View(document).get(), nullptr)));
    return texts;
  });
}

void WireDouble::drop_index() {
  server_->commands().with_panier([](wire::Collection& panier) { panier.drop_user_index(); });
}

} // namespace panier::support
