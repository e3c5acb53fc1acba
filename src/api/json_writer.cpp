#include "api/json_writer.hpp"

#include <array>
#include <charconv>

#include "runtime/json_text.hpp"

namespace panier::api {

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_ += '"';
  out_ += name;
  out_ += "\":";
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  runtime::append_json_string(out_, value);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  return raw({digits.begin(), end});
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view token) {
  separate();
  out_ += token;
  comma_ = true;
  return *this;
}

void JsonWriter::separate() {
  if (comma_) out_ += ',';
}

} // namespace panier::api
