#include "api/json_reader.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <vector>

namespace panier::api {

namespace {

namespace json = boost::json;
using Kind = JsonValue::Kind;

// Receives the parser's events. Why it stops is kept in `refusal`: Boost's own error codes only say
// where.
class Collector {
public:
  // The transport bounds the whole body, which bounds each part of it.
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    if (!open_.empty()) enter(Kind::object);
    open_.push_back({.object = true, .keys = {}});
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return leave(); }
  bool on_array_begin(json::error_code& ec) {
    if (open_.empty()) return refuse(Errc::malformed_json, ec);
    enter(Kind::array);
    open_.push_back({.object = false, .keys = {}});
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) { return leave(); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
    gather(part);
    key_ = std::exchange(text_, {});
    if (!open_.back().keys.insert(key_).second) return refuse(Errc::duplicate_json_key, ec);
    return true;
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    return gather(part);
  }
  bool on_string(json::string_view part, std::size_t, json::error_code& ec) {
    gather(part);
    return scalar(Kind::string, ec);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& ec) {
    gather(part);
    return scalar(Kind::number, ec);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& ec) {
    gather(part);
    return scalar(Kind::number, ec);
  }
  bool on_double(double, json::string_view part, json::error_code& ec) {
    gather(part);
    return scalar(Kind::number, ec);
  }
  bool on_bool(bool value, json::error_code& ec) {
    text_ = value ? "true" : "false";
    return scalar(Kind::boolean, ec);
  }
  bool on_null(json::error_code& ec) { return scalar(Kind::null, ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  // Of the outermost object, the one whose value is being read.
  [[nodiscard]] std::string field() const { return open_.size() == 1 ? key_ : outer_key_; }

  JsonObject members;
  Errc refusal = Errc::malformed_json;

private:
  // std::set and not a hash: a body full of chosen keys must not become slow.
  struct Level {
    bool object = false;
    std::set<std::string, std::less<>> keys;
  };

  bool gather(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool scalar(Kind kind, json::error_code& ec) {
    if (open_.empty()) return refuse(Errc::malformed_json, ec);
    keep(kind);
    return true;
  }
  void enter(Kind kind) {
    keep(kind);
    if (open_.size() == 1) outer_key_ = key_;
  }
  void keep(Kind kind) {
    auto text = std::exchange(text_, {});
    if (open_.size() == 1 && open_.back().object) members[key_] = {kind, std::move(text)};
  }
  bool leave() {
    open_.pop_back();
    return true;
  }
  bool refuse(Errc why, json::error_code& ec) {
    refusal = why;
    ec = json::error::syntax;
    return false;
  }

  std::vector<Level> open_; // the objects and arrays around the current place
  std::string key_;         // the last one
  std::string outer_key_;   // whose value holds the current place, inside it
  std::string text_;        // of the string or number being read
};

} // namespace

Result<JsonObject> parse_json_object(std::string_view body) {
  json::parse_options options;
  options.max_depth = json_depth_max;
  json::basic_parser<Collector> parser(options);
  json::error_code ec;
  const auto consumed = parser.write_some(false, body.data(), body.size(), ec);
  if (!ec && consumed < body.size())
    return fail(Errc::malformed_json, "something follows the object");
  // JSON has no bound on exponents, so this is no malformed text; but no field takes it. Outside of
  // an object there is no field to name.
  const auto field = parser.handler().field();
  if (ec == json::error::exponent_overflow && !field.empty())
    return fail(Errc::invalid_field, "exponent out of reach", field);
  if (ec)
    return fail(parser.handler().refusal, ec.message() + " at byte " + std::to_string(consumed));
  return std::move(parser.handler().members);
}

} // namespace panier::api
