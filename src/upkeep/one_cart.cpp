#include "upkeep/one_cart.hpp"

#include <algorithm>

namespace panier::upkeep {

bool lists(const commit::LaneRow& lane, const commit::UserId& user, Lists which) {
  const auto has = [&](const std::vector<commit::Listed>& list) {
    return std::ranges::find(list, user, &commit::Listed::user) != list.end();
  };
  return has(lane.reserved) || (which == Lists::all && has(lane.in_flight));
}

Result<std::optional<commit::Opened>> open_alone(commit::Ledger& ledger, const commit::UserId& user,
                                                 Lists which) {
  commit::OpenRequest request;
  request.wanted.push_back({user, std::nullopt});
  auto opened = ledger.open(request);
  if (!opened && opened.error().code == Errc::store_conflict) return std::nullopt;
  if (!opened) return std::unexpected(std::move(opened.error()));
  const auto in_hand = [&](const commit::LaneRow& lane) { return lists(lane, user, which); };
  if (opened->carts.empty() || std::ranges::any_of(opened->others, in_hand)) {
    ledger.rollback();
    return std::nullopt;
  }
  return std::optional(std::move(*opened));
}

Result<void> or_next_pass(Result<void> committed) {
  if (committed) return committed;
  const auto code = committed.error().code;
  if (code == Errc::store_conflict || code == Errc::commit_unknown) return {};
  return committed;
}

} // namespace panier::upkeep
