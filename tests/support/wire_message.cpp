#include "support/wire_message.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace panier::support::wire {
namespace {

constexpr std::int32_t op_reply = 1, op_query = 2004, op_msg = 2013;
constexpr std::uint32_t checksum_present = 1, more_to_come = 2;

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

} // namespace

std::size_t body_size(const Header& header) {
  const auto length = static_cast<std::size_t>(std::max(header.length, 0));
  const bool known = header.opcode == op_msg || header.opcode == op_query;
  if (!known || length < sizeof header || length > message_bytes_max)
    throw std::runtime_error("not a message that is known here");
  return length - sizeof header;
}

Message parse(const Header& header, std::string_view bytes) {
  return header.opcode == op_msg ? parse_msg(bytes) : parse_query(bytes);
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

} // namespace panier::support::wire
