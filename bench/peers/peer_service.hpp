// The product's routes over a peer's pools, so that only the commit path differs. Without
// Idempotency-Key (501), articles service, metrics and upkeep.
#pragma once

#include "pool.hpp"
#include "service/cart_service.hpp"

namespace panier::bench {

class PeerService final : public service::CartService {
public:
  // Both outlive the service; they may be one.
  PeerService(Pool& writers, Pool& readers) : writers_(writers), readers_(readers) {}

  void write(commit::WriteRequest request, commit::WriteDone done) override;
  void read(commit::UserId user, service::ShownDone done) override;
  [[nodiscard]] service::Health health() const override { return {}; }
  [[nodiscard]] service::Policy policy() const override { return service::Policy::strict; }
  void set_policy(service::Policy) override {} // no route of a peer's leads here
  [[nodiscard]] Result<void> ready() const override { return {}; }

private:
  Pool& writers_;
  Pool& readers_;
};

} // namespace panier::bench
