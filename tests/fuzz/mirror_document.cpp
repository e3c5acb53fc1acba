// A document as it stands in MongoDB, whoever wrote it: what can be read is within the bounds,
// comes back from what we would write of it, and means the same to the ledger's codec.
#include <algorithm>
#include <set>

#include "store/lines/lines_json.hpp"
#include "stored_document.hpp"

namespace panier::fuzz {
namespace {

using cart::Quantity;
using commit::MirrorDoc;

void promise_sound(const MirrorDoc& doc) {
  promise(cart::is_identifier(doc.user.text()), "a user_id is an identifier", doc.user.text());
  promise(doc.version >= 0, "a version is never negative");
  promise(doc.readable || doc.lines.empty(), "what cannot be read has no lines");
  std::set<cart::LineKey> keys;
  for (const auto& line : doc.lines) {
    promise(keys.insert(line.key).second, "a line stands once", line.key.article_id());
    promise(line.quantity.positive() && line.quantity.thousandths() <= Quantity::thousandths_max,
            "a line holds 0.001 to 1,000,000", line.quantity.to_text());
  }
}

void promise_comes_back(const MirrorDoc& doc) {
  const auto read = stored_and_read({.user = doc.user,
                                     .cart = {doc.id, doc.version, doc.exists, doc.lines},
                                     .id_maria = doc.id_maria,
                                     .token = doc.token,
                                     .updated_at = {}});
  promise(read.doc.has_value(), "what we write can be read");
  promise(read.doc->id == doc.id && read.doc->user == doc.user, "its identity comes back");
  promise(read.doc->version == doc.version && read.doc->token == doc.token, "its version does");
  promise(read.doc->id_maria == doc.id_maria && read.doc->exists == doc.exists, "its state does");
  promise(read.doc->readable, "its lines can be read");
  promise(read.doc->as_written, "our own types are the ones that we write");
  promise(read.doc->lines == (doc.exists ? doc.lines : std::vector<cart::Line>{}),
          "its lines come back, those of a deleted cart go");
}

void check(const bson_t& document) {
  const auto decoded = store::mongo::decode(document);
  if (!decoded.doc) return;
  promise(decoded.raw_user == decoded.doc->user.text(), "the user_id is the one that stands there");
  promise_sound(*decoded.doc);
  promise_comes_back(*decoded.doc);
  const auto text = store::lines_to_json(decoded.doc->lines);
  promise(store::lines_from_json(text) == decoded.doc->lines, "both stores' codecs agree", text);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bson_t document;
  if (bson_init_static(&document, data, size)) panier::fuzz::check(document);
  return 0;
}
