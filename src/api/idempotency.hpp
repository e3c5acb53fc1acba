// Idempotency-Key: a client's name for one request, under which it may be sent again.
#pragma once

#include <optional>

#include "commit/receipt.hpp"
#include "http/message.hpp"
#include "result/result.hpp"

namespace panier::api {

// nullopt without the header. invalid_idempotency_key: not 1-255 printable ASCII characters, or
// sent twice. The fingerprint covers method, path and body: "the same request" means these three.
[[nodiscard]] Result<std::optional<commit::Idempotency>>
parse_idempotency(const http::Request& request);

} // namespace panier::api
