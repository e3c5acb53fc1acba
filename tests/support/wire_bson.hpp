// BSON as raw bytes, the way the wire double keeps and compares it. A document is a std::string or
// a view of one.
#pragma once

#include <bson/bson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panier::support::wire {

// A document under construction.
class Doc {
public:
  Doc() { bson_init(&bson_); }
  ~Doc() { bson_destroy(&bson_); }
  Doc(const Doc&) = delete;
  Doc& operator=(const Doc&) = delete;
  [[nodiscard]] bson_t* get() { return &bson_; }
  [[nodiscard]] std::string raw() const {
    return {reinterpret_cast<const char*>(bson_get_data(&bson_)), bson_.len};
  }

private:
  bson_t bson_;
};

// A document that is somewhere else; throws std::runtime_error where there is none.
class View {
public:
  explicit View(std::string_view raw);
  [[nodiscard]] const bson_t* get() const { return &bson_; }

private:
  bson_t bson_;
};

// A field's place, if the document has it. (Not an optional<bson_iter_t>: that loses the iterator's
// alignment.)
class Place {
public:
  Place() = default;
  Place(const bson_iter_t& at) : at_(at), found_(true) {}
  [[nodiscard]] bool has_value() const { return found_; }
  explicit operator bool() const { return found_; }
  const bson_iter_t& operator*() const { return at_; }

private:
  bson_iter_t at_{};
  bool found_ = false;
};

[[nodiscard]] Place field(const bson_t* document, const char* key);
[[nodiscard]] std::string text(const bson_t* document, const char* key,
                               std::string_view absent = "");
[[nodiscard]] std::int64_t number(const bson_t* document, const char* key, std::int64_t absent = 0);
[[nodiscard]] bool flag(const bson_t* document, const char* key);
// The bytes of an embedded document or array; empty where there is none.
[[nodiscard]] std::string_view embedded(const bson_iter_t& at);
[[nodiscard]] std::string_view embedded(const bson_t* document, const char* key);
// An empty document instead of none: an operator that is absent changes nothing.
[[nodiscard]] std::string_view or_empty(std::string_view document);
// The documents of an array.
[[nodiscard]] std::vector<std::string_view> elements(std::string_view array);

// Type and bytes of a value, equal exactly for equal values of one type: a key for an index.
[[nodiscard]] std::string value_key(const bson_iter_t& at);

// -1, 0, 1, as MongoDB orders values of one kind (numbers, texts, dates, ..); nullopt for two
// kinds.
[[nodiscard]] std::optional<int> compare(const bson_iter_t& left, const bson_iter_t& right);

struct BadQuery {
  std::string message;
};
// Does the document match? Equality, $eq $ne $gt $gte $lt $lte $in $nin $exists $type $not $and
// $or; else BadQuery.
[[nodiscard]] bool matches(const bson_t* document, const bson_t* filter);

// What an update makes of a document: $set, $unset, $setOnInsert on fields of the top level, or a
// whole document.
[[nodiscard]] std::string updated(const bson_t* document, const bson_t* change);
// What an upsert inserts. Without an _id in the query or in $setOnInsert it gets a new ObjectId.
[[nodiscard]] std::string upserted(const bson_t* query, const bson_t* change);

} // namespace panier::support::wire
