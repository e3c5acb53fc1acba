#include "upkeep/lost_ledger.hpp"

#include "upkeep/limits.hpp"

namespace panier::upkeep {
namespace {

Result<bool> has_carts(commit::Ledger& ledger) {
  const auto rows = ledger.scan(std::nullopt, 1);
  if (!rows) return std::unexpected(rows.error());
  return !rows->empty();
}

} // namespace

Result<Lost> is_lost(commit::Ledger& ledger, commit::Mirror& mirror) {
  const auto carts = has_carts(ledger);
  if (!carts) return std::unexpected(carts.error());
  if (*carts) return Lost{};
  const auto page = mirror.scan(std::nullopt, lost_ledger_docs, lost_ledger_timeout);
  if (page && page->docs.empty() && page->unreadable == 0) return Lost{};
  // What was begun meanwhile, here or by another copy, was in the ledger before it was in the
  // mirror.
  const auto again = has_carts(ledger);
  if (!again) return std::unexpected(again.error());
  if (*again) return Lost{};
  if (!page) {
    return Lost{.is = Lost::Is::unknown,
                .why = "not known yet whether the ledger was lost: it has no cart, and the mirror, "
                       "which would tell, does not answer: " +
                       page.error().detail};
  }
  return Lost{.is = Lost::Is::likely,
              .why = "the ledger has no cart, but the mirror has documents. Is it the right "
                     "database? No cart is written meanwhile. If the ledger was lost, stop every "
                     "copy and restore it; if the documents are the predecessor's, stop every copy "
                     "and run panier migrate; to begin with no carts, remove the documents"};
}

} // namespace panier::upkeep
