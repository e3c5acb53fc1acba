#include "commit/availability.hpp"

namespace panier::commit {
namespace {

Error unavailable(Errc code, const runtime::StoreState& store) {
  const auto state = store.snapshot();
  return {code, {}, state.name + ": " + (state.notice.empty() ? state.last_error : state.notice)};
}

} // namespace

std::optional<Error> refuses_writes(Policy policy, const runtime::StoreState& ledger,
                                    const runtime::StoreState* mirror) {
  if (!ledger.readable()) return unavailable(Errc::ledger_unavailable, ledger);
  if (policy == Policy::strict && mirror && !mirror->writable())
    return unavailable(Errc::mirror_unavailable, *mirror);
  if (!ledger.writable()) return unavailable(Errc::ledger_unavailable, ledger);
  return std::nullopt;
}

std::optional<Error> not_ready(Policy policy, const runtime::StoreState& ledger,
                               const runtime::StoreState* mirror) {
  if (auto refusal = refuses_writes(policy, ledger, mirror)) return refusal;
  if (ledger.on_trial()) return unavailable(Errc::ledger_unavailable, ledger);
  if (policy == Policy::strict && mirror && mirror->on_trial())
    return unavailable(Errc::mirror_unavailable, *mirror);
  return std::nullopt;
}

} // namespace panier::commit
