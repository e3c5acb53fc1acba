// The text that the SQL ledgers keep in their columns, and back: a cart's lines in the platform's
// shape, and the lists of a lane's row. Quantities go through decimal text only, never through a
// double.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commit/ports/ledger.hpp"
#include "result/result.hpp"

namespace panier::store {

// [{"article_id": "a1", "quantite": 2.0}, ..]: as the predecessor's json.dumps wrote it; whole
// numbers keep their ".0".
[[nodiscard]] std::string lines_to_json(std::span<const cart::Line> lines);
// What an `articles` column is given: lines_to_json(), filled up with spaces to the next multiple
// of this many bytes. A row that keeps its length is overwritten where it stands; one that grows
// moves within its page, and every few moves InnoDB reorganises the page, whose redo log is the
// page. The step is about one line, so that another quantity rarely needs another length.
inline constexpr std::size_t articles_text_step = 64;
[[nodiscard]] std::string articles_text(std::span<const cart::Line> lines);
// The same of a row; the text that it had, if that is unreadable.
[[nodiscard]] std::string articles_text(const commit::CartRow& row);
// Strict: an array of objects with exactly these two keys in either order, quantities 0.001 to
// 1,000,000 as JSON numbers, each article once, no escapes in ids (none can need one).
// store_corrupt otherwise.
[[nodiscard]] Result<std::vector<cart::Line>> lines_from_json(std::string_view text);

// [["user",1764000000001],..], without spaces: it is rewritten with every batch.
[[nodiscard]] std::string listed_to_json(std::span<const commit::Listed> listed);
// store_corrupt when it is not that.
[[nodiscard]] Result<std::vector<commit::Listed>> listed_from_json(std::string_view text);

} // namespace panier::store
