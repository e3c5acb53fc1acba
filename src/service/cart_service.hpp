// What a request means: takes what the API parsed, asks the articles service where it must, submits
// to the commit path or the reader, and tells the health of both. The API talks to this interface
// only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "catalogue/articles.hpp"
#include "commit/policy.hpp"
#include "commit/receipt.hpp"
#include "runtime/store_state.hpp"

namespace panier::service {

using commit::Policy;

struct Health {
  enum class Status : std::uint8_t { ok, degraded, down };
  Status status =
      Status::ok; // down: no store can serve; degraded: something an operator should look at
  Policy policy = Policy::strict;
  runtime::StoreState::Snapshot ledger; // name: "mariadb" | "sqlite_ledger"
  runtime::StoreState::Snapshot
      mirror;           // name: "mongodb" | "sqlite_mirror"; empty name: PANIER_MIRROR=none
  std::int64_t lag = 0; // carts whose mirror copy is known to be behind
  std::string instance;
  std::string version;
  std::chrono::seconds uptime{};
};

// A cart as it is shown.
struct ShownCart {
  commit::View view;
  // What is known of each line's article; nullopt: there is no articles service.
  std::optional<std::vector<catalogue::Finding>> findings;
};
// Called exactly once, on any thread, and must not block.
using ShownDone = std::move_only_function<void(Result<ShownCart>)>;

class CartService {
public:
  virtual ~CartService() = default;
  // Both answer exactly once, within the request timeout, on any thread (also before they return).
  virtual void write(commit::WriteRequest request, commit::WriteDone done) = 0;
  virtual void read(commit::UserId user, ShownDone done) = 0;
  // From memory, in microseconds.
  [[nodiscard]] virtual Health health() const = 0;
  [[nodiscard]] virtual Policy policy() const = 0;
  virtual void set_policy(Policy policy) = 0;
  // Can writes be taken (readiness)? If not: the error that one would get at once.
  [[nodiscard]] virtual Result<void> ready() const = 0;
};

} // namespace panier::service
