// What the commit path takes (WriteRequest) and what it gives back (Receipt), once for each
// request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cart/cart.hpp"
#include "commit/ports/ledger.hpp"
#include "result/result.hpp"
#include "runtime/clock.hpp"

namespace panier::commit {

struct Idempotency {
  KeyHash key{};
  Fingerprint fingerprint{};
};

struct WriteRequest {
  cart::Operation operation;
  std::optional<Idempotency> idempotency;
  // Where time was spent before it came here; nullopt: a whole request timeout from now.
  std::optional<runtime::SteadyTime> deadline = {};
};

struct Receipt {
  cart::Outcome outcome;
  // Does the mirror hold the write? false: it follows (available), or there is none.
  bool mirrored = true;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

// The answer as it is kept with an idempotency key, and back. At most 200 bytes of printable ASCII.
[[nodiscard]] std::string encode(const Receipt& receipt);
[[nodiscard]] std::optional<Receipt> decode(std::string_view text);

// Called exactly once, on any thread, and must not block: a lane calls it.
using WriteDone = std::move_only_function<void(Result<Receipt>)>;

// A cart as a reader sees it.
struct View {
  UserId user;
  cart::Cart cart;
  std::uint32_t id_maria = 0;
  bool degraded = false; // read from the mirror because the ledger does not answer
  bool readable = true;  // false: never told; the reader answers `internal`
};
// cart_not_found where there is none, cart_not_in_mirror where only the mirror could be asked.
// Called exactly once, on any thread, and must not block.
using ReadDone = std::move_only_function<void(Result<View>)>;

} // namespace panier::commit
