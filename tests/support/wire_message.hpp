// MongoDB's messages as bytes: OP_MSG, and OP_QUERY for the first hello. Knows nothing of sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/wire_commands.hpp"

namespace panier::support::wire {

inline constexpr std::size_t message_bytes_max = 48'000'000;

struct Header {
  std::int32_t length = 0, request_id = 0, response_to = 0, opcode = 0;
};
static_assert(sizeof(Header) == 16);

// The bytes that follow it; throws std::runtime_error where no message of ours starts like this.
[[nodiscard]] std::size_t body_size(const Header& header);

struct Message {
  Command command; // views into the bytes
  bool wants_answer = true;
};

// `bytes`: what follows the header. Throws std::runtime_error where they are no message.
[[nodiscard]] Message parse(const Header& header, std::string_view bytes);

// An answer to `request`, whole.
[[nodiscard]] std::string envelope(const Header& request, const std::string& document);

} // namespace panier::support::wire
