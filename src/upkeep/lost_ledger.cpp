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

Result<std::string> seems_lost(commit::Ledger& ledger, commit::Mirror& mirror,
                               commit::Mirror::Timeout timeout) {
  const auto carts = has_carts(ledger);
  if (!carts) return std::unexpected(carts.error());
  if (*carts) return {};
  const auto page = mirror.scan(std::nullopt, lost_ledger_docs, timeout);
  if (!page) return std::unexpected(page.error());
  if (page->docs.empty() && page->unreadable == 0) return {};
  // What another copy has begun meanwhile was in the ledger before it was in the mirror.
  const auto again = has_carts(ledger);
  if (!again) return std::unexpected(again.error());
  if (*again) return {};
  return "the ledger has no cart, but the mirror has documents. Is it the right database? If the "
         "ledger was lost, restore it from a backup; if the documents are the predecessor's, run "
         "panier migrate first; to begin with no carts at all, remove the documents. Nothing is "
         "written meanwhile";
}

} // namespace panier::upkeep
