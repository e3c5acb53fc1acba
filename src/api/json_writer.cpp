#include "api/json_writer.hpp"

#include <limits>

#include "runtime/json_text.hpp"

namespace panier::api {

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  out_.append(1, '"').append(name).append("\":");
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  runtime::append_json_string(out_, value, std::numeric_limits<std::size_t>::max());
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  return raw(std::to_string(value));
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
