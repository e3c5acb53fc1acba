#include "api/idempotency.hpp"

#include <algorithm>

#include "runtime/sha256.hpp"

namespace panier::api {

namespace {

constexpr std::size_t key_chars_max = 255;
constexpr std::string_view header = "Idempotency-Key";

commit::Fingerprint fingerprint_of(const http::Request& request) {
  std::string text(to_string(request.method));
  text.append("\n").append(request.path);
  text.append("\n").append(request.body);
  return runtime::sha256(text);
}

} // namespace

Result<std::optional<commit::Idempotency>> parse_idempotency(const http::Request& request) {
  const auto* key = request.headers.find(header);
  if (key == nullptr) return std::nullopt;
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (request.headers.count(header) != 1 || key->empty() || key->size() > key_chars_max ||
      !std::ranges::all_of(*key, printable))
    return fail(Errc::invalid_idempotency_key);
  return commit::Idempotency{.key = runtime::sha256(*key), .fingerprint = fingerprint_of(request)};
}

} // namespace panier::api
