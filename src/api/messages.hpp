// The one place that says how each Errc is told to a client.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "result/result.hpp"

namespace panier::api {

struct Message {
  unsigned status;                                 // of HTTP
  std::string_view code;                           // English, stable: programs may compare it
  std::string_view text;                           // French, for people; its wording may change
  std::optional<std::chrono::seconds> retry_after; // for Retry-After
};

[[nodiscard]] Message message_of(Errc code) noexcept;

} // namespace panier::api
