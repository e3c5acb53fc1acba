#include "support/wire_bson.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace panier::support::wire {
namespace {

// A field of the document, or a dotted path into it.
Place path(const bson_t* document, const char* key) {
  bson_iter_t at, found;
  if (!bson_iter_init(&at, document)) return {};
  if (!bson_iter_find_descendant(&at, key, &found)) return {};
  return found;
}

bool is_number(const bson_iter_t& at) {
  return BSON_ITER_HOLDS_INT32(&at) || BSON_ITER_HOLDS_INT64(&at) || BSON_ITER_HOLDS_DOUBLE(&at);
}

template <class T>
int order(const T& left, const T& right) {
  return left < right ? -1 : right < left ? 1 : 0;
}

bool equal(const Place& value, const bson_iter_t& wanted) {
  if (!value) return BSON_ITER_HOLDS_NULL(&wanted);
  return compare(*value, wanted) == 0;
}

bool among(const Place& value, const bson_iter_t& list) {
  bson_iter_t wanted;
  if (!BSON_ITER_HOLDS_ARRAY(&list) || !bson_iter_recurse(&list, &wanted))
    throw BadQuery{"$in needs an array"};
  while (bson_iter_next(&wanted))
    if (equal(value, wanted)) return true;
  return false;
}

bool has_type(const Place& value, const bson_iter_t& type) {
  const bool text =
      BSON_ITER_HOLDS_UTF8(&type) && std::strcmp(bson_iter_utf8(&type, nullptr), "string") == 0;
  if (!text) throw BadQuery{"$type knows only \"string\" here"};
  return value && BSON_ITER_HOLDS_UTF8(&*value);
}

bool operators_match(const Place& value, const bson_iter_t& condition);

bool operator_matches(const Place& value, std::string_view name, const bson_iter_t& wanted) {
  if (name == "$eq") return equal(value, wanted);
  if (name == "$ne") return !equal(value, wanted);
  if (name == "$in") return among(value, wanted);
  if (name == "$nin") return !among(value, wanted);
  if (name == "$exists") return value.has_value() == bson_iter_as_bool(&wanted);
  if (name == "$type") return has_type(value, wanted);
  if (name == "$not") return !operators_match(value, wanted);
  constexpr int unordered = 2; // two kinds, or no value: none of the four
  const int ordered = value ? compare(*value, wanted).value_or(unordered) : unordered;
  if (name == "$gt") return ordered == 1;
  if (name == "$gte") return ordered == 0 || ordered == 1;
  if (name == "$lt") return ordered == -1;
  if (name == "$lte") return ordered == -1 || ordered == 0;
  throw BadQuery{"unknown operator " + std::string(name)};
}

bool operators_match(const Place& value, const bson_iter_t& condition) {
  bson_iter_t at;
  if (!bson_iter_recurse(&condition, &at)) throw BadQuery{"an operator needs a document"};
  while (bson_iter_next(&at))
    if (!operator_matches(value, bson_iter_key(&at), at)) return false;
  return true;
}

bool starts_with_operator(const bson_iter_t& condition) {
  bson_iter_t at;
  return BSON_ITER_HOLDS_DOCUMENT(&condition) && bson_iter_recurse(&condition, &at) &&
         bson_iter_next(&at) && bson_iter_key(&at)[0] == '$';
}

bool combined(const bson_t* document, std::string_view name, const bson_iter_t& list) {
  const auto parts = elements(embedded(list));
  const auto match = [&](std::string_view part) { return matches(document, View(part).get()); };
  if (name == "$and") return std::ranges::all_of(parts, match);
  if (name == "$or") return std::ranges::any_of(parts, match);
  throw BadQuery{"unknown operator " + std::string(name)};
}

bool is_replacement(const bson_t* change) {
  bson_iter_t at;
  return !bson_iter_init(&at, change) || !bson_iter_next(&at) || bson_iter_key(&at)[0] != '$';
}

std::string_view bytes(const bson_t* document) {
  return {reinterpret_cast<const char*>(bson_get_data(document)), document->len};
}

// Appends every field of `from` that `into` does not have yet.
void add_missing(bson_t* into, std::string_view from) {
  if (from.empty()) return;
  const View view(from);
  bson_iter_t at;
  bson_iter_init(&at, view.get());
  while (bson_iter_next(&at))
    if (!bson_has_field(into, bson_iter_key(&at))) bson_append_iter(into, nullptr, 0, &at);
}

// One field as it stands in a document: type, name and value.
struct Field {
  std::string_view name;
  std::string_view bytes;
  bool used = false;
};

Field field_at(const bson_iter_t& at) {
  return {.name = std::string_view(bson_iter_key(&at), bson_iter_key_len(&at)),
          .bytes = {reinterpret_cast<const char*>(at.raw) + at.off, at.next_off - at.off}};
}

std::vector<Field> fields_of(const bson_t* document) {
  std::vector<Field> fields;
  fields.reserve(16);
  bson_iter_t at;
  bson_iter_init(&at, document);
  while (bson_iter_next(&at))
    fields.push_back(field_at(at));
  return fields;
}

// The document with the fields of `set` in the places of its own, the new ones behind, and without
// those of `unset`. Puts bytes together, because every write of a benchmark comes through here.
std::string merged(const bson_t* document, const bson_t* set, const bson_t* unset) {
  auto changes = fields_of(set);
  std::string result;
  result.reserve(document->len + set->len);
  result.append(sizeof(std::uint32_t), '\0'); // the size, when it is known
  bson_iter_t at;
  bson_iter_init(&at, document);
  while (bson_iter_next(&at)) {
    const Field old = field_at(at);
    if (bson_has_field(unset, bson_iter_key(&at))) continue;
    const auto change = std::ranges::find(changes, old.name, &Field::name);
    if (change != changes.end()) change->used = true;
    result += change != changes.end() ? change->bytes : old.bytes;
  }
  for (const Field& change : changes)
    if (!change.used) result += change.bytes;
  result += '\0';
  const auto size = BSON_UINT32_TO_LE(static_cast<std::uint32_t>(result.size()));
  std::memcpy(result.data(), &size, sizeof size);
  return result;
}

void check_change(const bson_t* change) {
  bson_iter_t at;
  bson_iter_init(&at, change);
  while (bson_iter_next(&at)) {
    const std::string_view name = bson_iter_key(&at);
    if (name != "$set" && name != "$unset" && name != "$setOnInsert")
      throw BadQuery{"unknown update operator " + std::string(name)};
    bson_iter_t into;
    if (!bson_iter_recurse(&at, &into)) throw BadQuery{std::string(name) + " needs a document"};
    while (bson_iter_next(&into))
      if (std::strchr(bson_iter_key(&into), '.') != nullptr)
        throw BadQuery{"dotted paths are not known here"};
  }
}

} // namespace

View::View(std::string_view raw) {
  if (!bson_init_static(&bson_, reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()))
    throw std::runtime_error("not a BSON document");
}

Place field(const bson_t* document, const char* key) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, document, key)) return {};
  return at;
}

std::string text(const bson_t* document, const char* key, std::string_view absent) {
  const auto at = field(document, key);
  if (!at || !BSON_ITER_HOLDS_UTF8(&*at)) return std::string(absent);
  return bson_iter_utf8(&*at, nullptr);
}

std::int64_t number(const bson_t* document, const char* key, std::int64_t absent) {
  const auto at = field(document, key);
  return at && is_number(*at) ? bson_iter_as_int64(&*at) : absent;
}

bool flag(const bson_t* document, const char* key) {
  const auto at = field(document, key);
  return at && bson_iter_as_bool(&*at);
}

std::string_view embedded(const bson_iter_t& at) {
  std::uint32_t size = 0;
  const std::uint8_t* data = nullptr;
  if (BSON_ITER_HOLDS_DOCUMENT(&at)) bson_iter_document(&at, &size, &data);
  if (BSON_ITER_HOLDS_ARRAY(&at)) bson_iter_array(&at, &size, &data);
  return {reinterpret_cast<const char*>(data), size};
}

std::string_view embedded(const bson_t* document, const char* key) {
  const auto at = field(document, key);
  return at ? embedded(*at) : std::string_view{};
}

std::vector<std::string_view> elements(std::string_view array) {
  std::vector<std::string_view> documents;
  if (array.empty()) return documents;
  const View view(array);
  bson_iter_t at;
  bson_iter_init(&at, view.get());
  while (bson_iter_next(&at))
    documents.push_back(embedded(at));
  return documents;
}

std::string value_key(const bson_iter_t& at) {
  Doc alone;
  bson_append_iter(alone.get(), "", 0, &at);
  return alone.raw();
}

std::optional<int> compare(const bson_iter_t& left, const bson_iter_t& right) {
  if (is_number(left) && is_number(right)) {
    const bool whole = !BSON_ITER_HOLDS_DOUBLE(&left) && !BSON_ITER_HOLDS_DOUBLE(&right);
    if (whole) return order(bson_iter_as_int64(&left), bson_iter_as_int64(&right));
    return order(bson_iter_as_double(&left), bson_iter_as_double(&right));
  }
  if (bson_iter_type(&left) != bson_iter_type(&right)) return std::nullopt;
  switch (bson_iter_type(&left)) {
  case BSON_TYPE_UTF8:
    return order(std::string_view(bson_iter_utf8(&left, nullptr)),
                 std::string_view(bson_iter_utf8(&right, nullptr)));
  case BSON_TYPE_OID:
    return order(bson_oid_compare(bson_iter_oid(&left), bson_iter_oid(&right)), 0);
  case BSON_TYPE_BOOL: return order(bson_iter_bool(&left), bson_iter_bool(&right));
  case BSON_TYPE_DATE_TIME: return order(bson_iter_date_time(&left), bson_iter_date_time(&right));
  default: return order(value_key(left), value_key(right));
  }
}

bool matches(const bson_t* document, const bson_t* filter) {
  bson_iter_t at;
  bson_iter_init(&at, filter);
  while (bson_iter_next(&at)) {
    const char* key = bson_iter_key(&at);
    const bool match = key[0] == '$'              ? combined(document, key, at)
                       : starts_with_operator(at) ? operators_match(path(document, key), at)
                                                  : equal(path(document, key), at);
    if (!match) return false;
  }
  return true;
}

std::string updated(const bson_t* document, const bson_t* change) {
  Doc result;
  bson_iter_t at;
  if (is_replacement(change)) {
    if (const auto id = field(document, "_id")) bson_append_iter(result.get(), "_id", -1, &*id);
    bson_iter_init(&at, change);
    while (bson_iter_next(&at))
      if (std::strcmp(bson_iter_key(&at), "_id") != 0)
        bson_append_iter(result.get(), nullptr, 0, &at);
    return result.raw();
  }
  check_change(change);
  return merged(document, View(or_empty(embedded(change, "$set"))).get(),
                View(or_empty(embedded(change, "$unset"))).get());
}

std::string upserted(const bson_t* query, const bson_t* change) {
  Doc result;
  const bool replacement = is_replacement(change);
  const std::string_view on_insert = embedded(change, "$setOnInsert");
  Place id = field(query, "_id");
  std::optional<View> inserted;
  if (!on_insert.empty()) inserted.emplace(on_insert);
  if (!id && inserted) id = field(inserted->get(), "_id");
  if (!id && replacement) id = field(change, "_id");
  if (id) {
    bson_append_iter(result.get(), "_id", -1, &*id);
  } else {
    bson_oid_t fresh;
    bson_oid_init(&fresh, nullptr);
    bson_append_oid(result.get(), "_id", -1, &fresh);
  }
  if (replacement) {
    add_missing(result.get(), bytes(change));
    return result.raw();
  }
  check_change(change);
  bson_iter_t at;
  bson_iter_init(&at, query);
  while (bson_iter_next(&at))
    if (bson_iter_key(&at)[0] != '$' && !starts_with_operator(at) &&
        !bson_has_field(result.get(), bson_iter_key(&at)))
      bson_append_iter(result.get(), nullptr, 0, &at);
  add_missing(result.get(), embedded(change, "$set"));
  add_missing(result.get(), on_insert);
  return result.raw();
}

std::string_view or_empty(std::string_view document) {
  return document.empty() ? std::string_view("\5\0\0\0\0", 5) : document;
}

} // namespace panier::support::wire
