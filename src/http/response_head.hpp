// The bytes before a response's body, written by hand into a buffer that the session keeps.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace panier::http {

// "Sun, 06 Nov 1994 08:49:37 GMT", made anew once a second. One a thread.
class DateCache {
public:
  [[nodiscard]] std::string_view at(std::time_t second);

private:
  std::time_t second_ = -1;
  char text_[32] = {};
};

enum class Persistence : std::uint8_t {
  keep,      // HTTP/1.1's default: nothing to say
  keep_told, // HTTP/1.0 asked for it, and wants to hear it
  close,
};

// Whether an answer of this status has a body and a Content-Length at all.
[[nodiscard]] constexpr bool status_has_body(unsigned status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

// Replaces `out`. Control characters in header names and values become spaces: no handler can split
// an answer.
void write_head(std::string& out, const Response& response, Persistence persistence,
                std::string_view date);

} // namespace panier::http
