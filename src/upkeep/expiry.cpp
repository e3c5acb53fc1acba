#include "upkeep/expiry.hpp"

#include "runtime/log.hpp"
#include "upkeep/limits.hpp"

namespace panier::upkeep {

Result<void> Expiry::run_once() {
  if (ttl_ == std::chrono::hours{0}) return {};
  const auto now = stores_.ledger->ping();
  if (!now) return std::unexpected(now.error());
  const auto rows = stores_.ledger->untouched(*now - ttl_, expiry_page_carts);
  if (!rows) return std::unexpected(rows.error());
  for (const auto& row : *rows) {
    commit::WriteRequest request{
        .operation = {.kind = cart::OperationKind::erase,
                      .user = row.user,
                      .line = {},
                      .quantity = {},
                      .if_match = cart::IfMatch{.any = false, .versions = {row.cart.version}}},
        .idempotency = {}};
    submit_(std::move(request), [user = row.user.text()](const Result<commit::Receipt>& receipt) {
      if (receipt) runtime::log::info("an untouched cart has expired", {{"user_id", user}});
    });
  }
  return {};
}

} // namespace panier::upkeep
