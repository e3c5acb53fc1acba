// The leaf that every room may use: what can go wrong (Errc), how it is told (Error), and
// Result<T>.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace panier {

// Each value is one thing that a caller may want to tell apart. What a client is shown for it
// (status, code, French text) stands in ONE table, api/messages.cpp; the name here is for logs and
// metrics.
enum class Errc : std::uint8_t {
  // The request is wrong. Nothing was changed.
  bad_request,        // framing, Host, Content-Length: 400 and close
  malformed_json,     // not JSON, or not an object
  duplicate_json_key, // the same key twice in one object
  invalid_if_match,   // If-Match that cannot be parsed
  invalid_idempotency_key,
  route_not_found,
  method_not_allowed,
  request_timeout, // the client was too slow to send
  body_too_large,
  headers_too_large,
  unsupported_media_type,
  expectation_failed,
  not_implemented, // an unknown method or transfer coding
  invalid_field,   // Error::field names it
  // The request is right, the cart says no. Nothing was changed.
  cart_not_found,
  precondition_failed,    // If-Match
  too_many_lines,         // PANIER_LINES_MAX
  quantity_too_large,     // the sum would pass the limit
  idempotency_key_reused, // another request under the same key
  article_not_found,      // the articles service does not know it
  stock_insufficient,     // the line would hold more than there is; Error::shortage
  // Not now. Nothing was changed; trying again is fine.
  overloaded, // a queue is full, or the deadline passed while queued
  cart_busy,  // another lane holds the cart, or its owner died a moment ago
  cart_quarantined,
  ledger_unavailable,
  mirror_unavailable, // strict policy
  stores_unavailable, // neither store can answer
  schema_unmigrated,  // the predecessor's table: run panier migrate
  stock_unknown,      // the articles service does not say how many there are
  shutting_down,
  // Nobody knows. The write may or may not become visible.
  outcome_unknown,
  internal,
  // The line would be raised and the stock was not asked for: the service asks and tries again.
  stock_unasked,
  // A read: the ledger does not answer, and the mirror has no such cart. Told as cart_not_found.
  cart_not_in_mirror,
  // What the store adapters say; the commit path turns these into the above.
  store_unreachable, // no connection, or it broke before the request can have had an effect
  store_timeout,     // no answer in time: it may have had an effect
  store_conflict,    // deadlock, lock wait, snapshot: run the whole transaction again
  store_rejected,    // this row or packet is refused, and would be again
  store_denied,      // authentication, privileges, read-only
  store_corrupt,     // stored data that cannot be read
  commit_unknown,    // COMMIT was sent and not answered
  config_invalid,    // Error::field names the setting
};

// The enumerator's own name: "cart_not_found".
[[nodiscard]] std::string_view to_string(Errc code) noexcept;

// How much there is of an article, and how much the line would hold; in thousandths.
struct Shortage {
  std::int64_t stock = 0;
  std::int64_t quantity = 0;
  friend bool operator==(const Shortage&, const Shortage&) = default;
};

struct Error {
  Errc code = Errc::internal;
  std::string field = {}; // the request field or setting at fault, else empty
  std::string detail =
      {}; // for the log and the operator, English; never shown to shoppers as it is
  std::optional<Shortage> shortage = {}; // of stock_insufficient
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string detail = {},
                                                 std::string field = {}) {
  return std::unexpected<Error>(Error{code, std::move(field), std::move(detail)});
}

} // namespace panier
