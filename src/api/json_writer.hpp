// Writes the answers: JSON without spaces, straight into one string. Quantities and money come as
// decimal text and are never a double.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace panier::api {

class JsonWriter {
public:
  JsonWriter() { out_.reserve(1024); } // a cart of ten lines

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  // Ours, so it needs no escapes.
  JsonWriter& key(std::string_view name);
  // Any bytes: escaped, and what is no UTF-8 becomes U+FFFD.
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  // A JSON number as it is to stand there: "1.5".
  JsonWriter& decimal(std::string_view number_text) { return raw(number_text); }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }

  // `"name":"..","prix":19.99`: members of an object that are JSON already; at least one.
  JsonWriter& members(std::string_view json) { return raw(json); }

  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view token);
  void separate();

  std::string out_;
  bool comma_ = false; // does the next key or element need one before it?
};

} // namespace panier::api
