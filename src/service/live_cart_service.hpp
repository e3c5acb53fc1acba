// The cart service over the real commit path and the articles service: submits, enriches, records
// what a store made fail, and tells the health.
#pragma once

#include "commit/commit_path.hpp"
#include "runtime/failure_log.hpp"
#include "service/cart_service.hpp"
#include "service/stock.hpp"

namespace panier::service {

class LiveCartService final : public CartService {
public:
  struct Parts { // all outlive the service
    const runtime::Clock& clock;
    commit::CommitPath& path;
    runtime::StoreState& ledger_state;
    runtime::StoreState* mirror_state; // nullptr: PANIER_MIRROR=none
    std::atomic<Policy>& policy;
    runtime::FailureLog& failures;
    catalogue::Articles* articles; // nullptr: no URL_ARTICLE_*
    UnknownStock unknown_stock;
    std::chrono::milliseconds request_timeout;
    std::function<std::int64_t()> lag; // carts known to be behind; cheap
    std::string instance;
    std::string version;
  };
  explicit LiveCartService(Parts parts);

  void write(commit::WriteRequest request, commit::WriteDone done) override;
  void read(commit::UserId user, ShownDone done) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Policy policy() const override { return parts_.policy.load(); }
  void set_policy(Policy policy) override;
  [[nodiscard]] Result<void> ready() const override;

private:
  void submit(commit::WriteRequest request, commit::WriteDone done);
  void ask_stock(commit::WriteRequest request, commit::WriteDone done);

  const Parts parts_;
  const runtime::SteadyTime started_;
};

} // namespace panier::service
