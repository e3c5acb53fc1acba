// Carts that nobody wrote to for PANIER_CART_TTL_DAYS days are deleted by an ordinary delete
// operation with If-Match, through a lane: whoever writes meanwhile wins.
#pragma once

#include <functional>

#include "commit/receipt.hpp"
#include "upkeep/stores.hpp"

namespace panier::upkeep {

class Expiry {
public:
  using Submit = std::function<void(commit::WriteRequest, commit::WriteDone)>;
  Expiry(Stores& stores, std::chrono::hours ttl, Submit submit)
      : stores_(stores), ttl_(ttl), submit_(std::move(submit)) {}
  // One page. Does not wait for the deletes; what fails is found again by the next run.
  Result<void> run_once();

private:
  Stores& stores_;
  const std::chrono::hours ttl_; // 0: never
  const Submit submit_;
};

} // namespace panier::upkeep
