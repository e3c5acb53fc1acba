#include "service/stock.hpp"

namespace panier::service {

bool may_raise(const cart::Operation& operation) {
  using enum cart::OperationKind;
  return (operation.kind == add || operation.kind == edit) && operation.quantity.positive();
}

std::optional<cart::Ceiling> ceiling_for(const catalogue::Finding& finding, UnknownStock unknown) {
  using State = catalogue::Finding::State;
  if (finding.state == State::not_found)
    return cart::Ceiling{.limit = {}, .refusal = Errc::article_not_found};
  if (finding.state == State::fresh && finding.article->stock)
    return cart::Ceiling{.limit = *finding.article->stock, .refusal = Errc::stock_insufficient};
  if (unknown == UnknownStock::accept) return std::nullopt;
  return cart::Ceiling{.limit = {}, .refusal = Errc::stock_unknown};
}

} // namespace panier::service
