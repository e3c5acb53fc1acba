#include "store/mongo/document.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace panier::store::mongo {
namespace {

using cart::CartId;
using cart::Line;
using cart::LineKey;
using cart::Quantity;
using cart::Token;
using cart::UserId;
using cart::Version;
using commit::MirrorDoc;
using commit::MirrorWrite;

// A double that a person or the predecessor wrote is this close to the thousandth it means; one
// further off means something that we cannot keep.
constexpr double thousandth_tolerance = 1e-6;

int length(std::string_view text) {
  return static_cast<int>(text.size());
}

// The key of an array's element; libbson formats into `space` only beyond 999.
class Index {
public:
  explicit Index(std::uint32_t at) { size_ = bson_uint32_to_string(at, &text_, space_.data(), 16); }
  [[nodiscard]] const char* text() const { return text_; }
  [[nodiscard]] int size() const { return static_cast<int>(size_); }

private:
  std::array<char, 16> space_{};
  const char* text_ = nullptr;
  std::size_t size_ = 0;
};

void append_lines(bson_t* set, std::span<const Line> lines) {
  bson_t articles;
  BSON_APPEND_ARRAY_BEGIN(set, "articles", &articles);
  for (std::uint32_t at = 0; at < lines.size(); ++at) {
    const Line& line = lines[at];
    const Index index(at);
    bson_t element;
    bson_append_document_begin(&articles, index.text(), index.size(), &element);
    append_text(&element, "article_id", line.key.article_id());
    BSON_APPEND_DOUBLE(&element, "quantite",
                       static_cast<double>(line.quantity.thousandths()) / 1000.0);
    bson_append_document_end(&articles, &element);
  }
  bson_append_array_end(set, &articles);
}

void append_id_maria(bson_t* set, std::uint32_t id_maria) {
  if (std::in_range<std::int32_t>(id_maria))
    BSON_APPEND_INT32(set, "id_maria", static_cast<std::int32_t>(id_maria));
  else
    BSON_APPEND_INT64(set, "id_maria", std::int64_t{id_maria});
}

void append_hex(bson_t* to, const char* key, const Token& token) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 32> hex;
  for (std::size_t at = 0; at < token.bytes().size(); ++at) {
    hex[2 * at] = digits[token.bytes()[at] >> 4];
    hex[2 * at + 1] = digits[token.bytes()[at] & 15];
  }
  append_text(to, key, {hex.data(), hex.size()});
}

// Everything but the identities.
void append_fields(bson_t* to, const MirrorWrite& write) {
  append_id_maria(to, write.id_maria);
  append_lines(to, write.cart.exists ? std::span<const Line>(write.cart.lines)
                                     : std::span<const Line>{});
  BSON_APPEND_INT64(to, "version", write.cart.version);
  append_hex(to, "token", write.token);
  const std::int64_t updated_ms = write.updated_at.time_since_epoch().count();
  BSON_APPEND_DATE_TIME(to, "updated_at", updated_ms);
  if (!write.cart.exists) BSON_APPEND_DATE_TIME(to, "deleted_at", updated_ms);
}

void append_set(bson_t* change, const MirrorWrite& write) {
  bson_t set;
  BSON_APPEND_DOCUMENT_BEGIN(change, "$set", &set);
  append_fields(&set, write);
  bson_append_document_end(change, &set);
}

// The guard `$not: {$gte: n}` also matches a document without a version, or with one that is no
// number.
void append_guarded(bson_t* entry, const MirrorWrite& write) {
  bson_t filter, version, guard, change, extra;
  BSON_APPEND_DOCUMENT_BEGIN(entry, "q", &filter);
  append_text(&filter, "user_id", write.user.text());
  BSON_APPEND_DOCUMENT_BEGIN(&filter, "version", &version);
  BSON_APPEND_DOCUMENT_BEGIN(&version, "$not", &guard);
  BSON_APPEND_INT64(&guard, "$gte", write.cart.version);
  bson_append_document_end(&version, &guard);
  bson_append_document_end(&filter, &version);
  bson_append_document_end(entry, &filter);

  BSON_APPEND_DOCUMENT_BEGIN(entry, "u", &change);
  append_set(&change, write);
  if (write.cart.exists) {
    BSON_APPEND_DOCUMENT_BEGIN(&change, "$unset", &extra);
    BSON_APPEND_UTF8(&extra, "deleted_at", "");
    bson_append_document_end(&change, &extra);
  }
  BSON_APPEND_DOCUMENT_BEGIN(&change, "$setOnInsert", &extra);
  append_id(&extra, write.cart.id);
  bson_append_document_end(&change, &extra);
  bson_append_document_end(entry, &change);
  BSON_APPEND_BOOL(entry, "upsert", true);
}

std::string_view text_at(const bson_iter_t& at) {
  if (!BSON_ITER_HOLDS_UTF8(&at)) return {};
  std::uint32_t size = 0;
  const char* text = bson_iter_utf8(&at, &size);
  return {text, size};
}

// A whole number of any of BSON's number types, 0 to max; 0 for anything else.
std::int64_t number_at(const bson_iter_t& at, std::int64_t max) {
  std::int64_t number = 0;
  if (BSON_ITER_HOLDS_INT32(&at) || BSON_ITER_HOLDS_INT64(&at)) {
    number = bson_iter_as_int64(&at);
  } else if (BSON_ITER_HOLDS_DOUBLE(&at)) {
    const double value = bson_iter_double(&at);
    const bool whole = value >= 0 && value < 9.2e18 && std::trunc(value) == value;
    number = whole ? static_cast<std::int64_t>(value) : 0;
  }
  return number >= 0 && number <= max ? number : 0;
}

// Only a double is what we write: a number of another type reads as changed by hand, so that verify
// notices it.
std::optional<Quantity> quantity_at(const bson_iter_t& at) {
  if (!BSON_ITER_HOLDS_DOUBLE(&at)) return std::nullopt;
  const double thousandths = bson_iter_double(&at) * 1000.0;
  const double nearest = std::round(thousandths);
  const bool exact = std::abs(thousandths - nearest) < thousandth_tolerance;
  if (!exact || nearest < 1 || nearest > static_cast<double>(Quantity::thousandths_max))
    return std::nullopt;
  return Quantity::from_thousandths(static_cast<std::int64_t>(nearest));
}

// Exactly article_id and quantite, each once.
std::optional<Line> line_at(const bson_iter_t& at) {
  bson_iter_t field;
  if (!BSON_ITER_HOLDS_DOCUMENT(&at) || !bson_iter_recurse(&at, &field)) return std::nullopt;
  std::optional<LineKey> key;
  std::optional<Quantity> quantity;
  int fields = 0;
  while (bson_iter_next(&field)) {
    const std::string_view name = bson_iter_key(&field);
    if (name == "article_id") key = LineKey::parse(text_at(field));
    if (name == "quantite") quantity = quantity_at(field);
    ++fields;
  }
  if (fields != 2 || !key || !quantity) return std::nullopt;
  return Line{std::move(*key), *quantity};
}

std::optional<std::vector<Line>> lines_at(const bson_iter_t& at) {
  bson_iter_t element;
  if (!BSON_ITER_HOLDS_ARRAY(&at) || !bson_iter_recurse(&at, &element)) return std::nullopt;
  std::vector<Line> lines;
  while (bson_iter_next(&element)) {
    std::optional<Line> line = line_at(element);
    if (!line) return std::nullopt;
    lines.push_back(std::move(*line));
  }
  std::vector<std::string_view> keys;
  keys.reserve(lines.size());
  for (const Line& line : lines)
    keys.push_back(line.key.article_id());
  std::ranges::sort(keys);
  if (std::ranges::adjacent_find(keys) != keys.end()) return std::nullopt;
  return lines;
}

// Has the field the type that we give it? A GUI that touches a document may change it: the value is
// the same to us, but not to every program that reads the collection.
bool as_we_write(const bson_iter_t& at, std::string_view name, const MirrorDoc& doc) {
  if (name == "version") return BSON_ITER_HOLDS_INT64(&at);
  if (name == "token") return BSON_ITER_HOLDS_UTF8(&at);
  if (name == "updated_at" || name == "deleted_at") return BSON_ITER_HOLDS_DATE_TIME(&at);
  if (name != "id_maria") return true;
  return std::in_range<std::int32_t>(doc.id_maria) ? BSON_ITER_HOLDS_INT32(&at)
                                                   : BSON_ITER_HOLDS_INT64(&at);
}

// Everything but _id and user_id. `articles`: how many fields of that name there were before. BSON
// allows two, of which other programs would show one or the other: not lines that we can read.
void decode_field(const bson_iter_t& at, std::string_view name, MirrorDoc& doc, int& articles) {
  if (name == "version") {
    doc.version = number_at(at, std::numeric_limits<Version>::max());
  } else if (name == "token") {
    doc.token = Token::parse(text_at(at)).value_or(Token{});
  } else if (name == "id_maria") {
    doc.id_maria =
        static_cast<std::uint32_t>(number_at(at, std::numeric_limits<std::uint32_t>::max()));
  } else if (name == "deleted_at") {
    doc.exists = false;
  } else if (name == "articles") {
    std::optional<std::vector<Line>> lines = lines_at(at);
    doc.readable = ++articles == 1 && lines.has_value();
    doc.lines = doc.readable ? std::move(*lines) : std::vector<Line>{};
  }
}

} // namespace

void append_text(bson_t* to, const char* key, std::string_view value) {
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its length goes with it
  bson_append_utf8(to, key, -1, value.data(), length(value));
}

void append_id(bson_t* to, const CartId& id) {
  bson_oid_t oid;
  bson_oid_init_from_data(&oid, id.bytes().data());
  BSON_APPEND_OID(to, "_id", &oid);
}

void append_update(bson_t* command, std::string_view collection,
                   std::span<const MirrorWrite> writes) {
  append_text(command, "update", collection);
  BSON_APPEND_BOOL(command, "ordered", false);
  bson_t updates;
  BSON_APPEND_ARRAY_BEGIN(command, "updates", &updates);
  for (std::uint32_t at = 0; at < writes.size(); ++at) {
    const Index index(at);
    bson_t entry;
    bson_append_document_begin(&updates, index.text(), index.size(), &entry);
    append_guarded(&entry, writes[at]);
    bson_append_document_end(&updates, &entry);
  }
  bson_append_array_end(command, &updates);
}

void append_document(bson_t* to, const MirrorWrite& write) {
  append_id(to, write.cart.id);
  append_text(to, "user_id", write.user.text());
  append_fields(to, write);
}

void append_write_concern(bson_t* command, std::chrono::milliseconds wtimeout) {
  bson_t concern;
  BSON_APPEND_DOCUMENT_BEGIN(command, "writeConcern", &concern);
  BSON_APPEND_UTF8(&concern, "w", "majority");
  BSON_APPEND_BOOL(&concern, "j", true);
  BSON_APPEND_INT64(&concern, "wtimeout", wtimeout.count());
  bson_append_document_end(command, &concern);
}

void append_users(bson_t* filter, std::span<const UserId> users) {
  bson_t user, list;
  BSON_APPEND_DOCUMENT_BEGIN(filter, "user_id", &user);
  BSON_APPEND_ARRAY_BEGIN(&user, "$in", &list);
  for (std::uint32_t at = 0; at < users.size(); ++at) {
    const std::string& text = users[at].text();
    const Index index(at);
    bson_append_utf8(&list, index.text(), index.size(), text.data(), length(text));
  }
  bson_append_array_end(&user, &list);
  bson_append_document_end(filter, &user);
}

Decoded decode(const bson_t& document) {
  Decoded decoded;
  std::optional<CartId> id;
  std::optional<UserId> user;
  // The identities come first in what we write, but need not in what others wrote: two passes, no
  // copy.
  bson_iter_t at;
  if (!bson_iter_init(&at, &document)) return decoded;
  while (bson_iter_next(&at)) {
    const std::string_view name = bson_iter_key(&at);
    if (name == "user_id") {
      if (BSON_ITER_HOLDS_UTF8(&at)) decoded.raw_user = text_at(at);
      user = UserId::parse(text_at(at));
    } else if (name == "_id" && BSON_ITER_HOLDS_OID(&at)) {
      CartId::Bytes bytes;
      std::ranges::copy(bson_iter_oid(&at)->bytes, bytes.begin());
      id = CartId(bytes);
    }
  }
  if (!id || !user) return decoded;

  MirrorDoc doc{.id = *id, .user = std::move(*user), .token = {}, .readable = false, .lines = {}};
  int articles = 0;
  if (!bson_iter_init(&at, &document)) return decoded;
  while (bson_iter_next(&at)) {
    const std::string_view name = bson_iter_key(&at);
    decode_field(at, name, doc, articles);
    doc.as_written = doc.as_written && as_we_write(at, name, doc);
  }
  decoded.doc = std::move(doc);
  return decoded;
}

} // namespace panier::store::mongo
