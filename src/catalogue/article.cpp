#include "catalogue/article.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <vector>

#include "runtime/json_text.hpp"

namespace panier::catalogue {

namespace {

namespace json = boost::json;
using Kind = Verdict::Kind;

constexpr std::size_t json_depth_max = 16;
// Each is compared with those before it, and a hundred thousand fit into the longest answer.
constexpr std::size_t members_max = 1'000;

// The cart knows better, whatever the article carries.
constexpr std::array<std::string_view, 6> own_fields = {
    "id", "article_id", "quantite_utilisateur", "sous_total", "prix_obsolete", "prix_age_s"};

enum class Type : std::uint8_t { string, number, boolean, null, array, object };

struct Member {
  std::string key;
  Type type = Type::null;
  std::string text; // of a string: unescaped; of a number: its own
  std::string json; // the value as it will stand in a line
};

// Receives the parser's events: keeps the members of the document and those of its `rs`, each value
// written anew, so that what goes on is valid and compact whatever came in.
class Collector {
public:
  // The receiver bounds the whole body, which bounds each part of it.
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open(Type::object, '{'); }
  bool on_object_end(std::size_t, json::error_code&) { return close('}'); }
  bool on_array_begin(json::error_code&) { return open(Type::array, '['); }
  bool on_array_end(std::size_t, json::error_code&) { return close(']'); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    gather(part);
    auto key = std::exchange(text_, {});
    if (depth_ == 1) in_rs_ = key == "rs";
    if (depth_ == 1 || at_member()) {
      member_ = {.key = std::move(key), .type = Type::null, .text = {}, .json = {}};
    } else {
      separate();
      runtime::append_json_string(member_.json, key);
      member_.json += ':';
      comma_ = false;
    }
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    return gather(part);
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    gather(part);
    separate();
    runtime::append_json_string(member_.json, text_);
    return scalar(Type::string);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(std::int64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_double(double, json::string_view part, json::error_code&) { return number(part); }
  bool on_bool(bool value, json::error_code&) {
    text_ = value ? "true" : "false";
    return plain(Type::boolean);
  }
  bool on_null(json::error_code&) {
    text_ = "null";
    return plain(Type::null);
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  std::optional<Member> error; // of the document
  std::optional<Type> rs;
  std::vector<Member> members; // of `rs`, where it is an object; a key stands once
  bool too_many = false;       // it has more than members_max

private:
  // Directly inside the object `rs`.
  [[nodiscard]] bool at_member() const { return depth_ == 2 && in_rs_ && rs == Type::object; }

  bool gather(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool number(json::string_view part) {
    gather(part);
    return plain(Type::number);
  }
  bool plain(Type type) {
    separate();
    member_.json += text_;
    return scalar(type);
  }
  bool scalar(Type type) {
    comma_ = true;
    auto text = std::exchange(text_, {});
    if (depth_ != 1 && !at_member()) return true;
    member_.text = std::move(text);
    return end_value(type);
  }
  bool open(Type type, char bracket) {
    if (depth_ == 1 && in_rs_) {
      rs = type;
      members.clear();
      seen_ = 0;
      too_many = false;
    } else if (depth_ > 0) {
      if (depth_ == 1 || at_member()) member_.type = type;
      separate();
      member_.json += bracket;
    }
    comma_ = false;
    ++depth_;
    return true;
  }
  bool close(char bracket) {
    --depth_;
    if (depth_ == 0) return true;
    if (depth_ == 1 && in_rs_) return true; // `rs` itself: its members are kept already
    member_.json += bracket;
    comma_ = true;
    if (depth_ == 1 || at_member()) return end_value(member_.type);
    return true;
  }
  bool end_value(Type type) {
    comma_ = false;
    member_.type = type;
    if (depth_ == 1) {
      if (in_rs_) rs = type;
      if (member_.key == "error") error = std::move(member_);
      return true;
    }
    if (++seen_ > members_max) {
      too_many = true;
      return true;
    }
    // The last of two wins, as for whoever reads this with Python.
    const auto known = std::ranges::find(members, member_.key, &Member::key);
    if (known == members.end())
      members.push_back(std::move(member_));
    else
      *known = std::move(member_);
    return true;
  }
  void separate() {
    if (comma_) member_.json += ',';
    comma_ = false;
  }

  std::size_t seen_ = 0;
  int depth_ = 0; // objects and arrays around the current place
  bool in_rs_ = false;
  bool comma_ = false; // does the next value or key inside member_.json need one before it?
  Member member_;      // the one being read
  std::string text_;   // of the string, number or key being read
};

Verdict invalid(std::string why) {
  return {.kind = Kind::invalid, .article = nullptr, .why = std::move(why)};
}
Verdict malformed(std::string why) {
  return {.kind = Kind::malformed, .article = nullptr, .why = std::move(why)};
}

const Member* find(const std::vector<Member>& members, std::string_view key) {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &*found;
}

// A number, or its text: a database's decimals often come as text.
std::optional<Decimal> decimal_of(const Member* member) {
  if (member == nullptr || (member->type != Type::number && member->type != Type::string))
    return std::nullopt;
  return parse_decimal(member->text);
}

std::string members_text(const std::vector<Member>& members) {
  std::string text;
  for (const auto& member : members) {
    if (std::ranges::find(own_fields, member.key) != own_fields.end()) continue;
    if (!text.empty()) text += ',';
    runtime::append_json_string(text, member.key);
    text.append(1, ':').append(member.json);
  }
  return text;
}

Verdict article_of(const std::vector<Member>& members) {
  const auto* name = find(members, "name");
  if (name == nullptr || name->type != Type::string) return invalid("name is no string");
  const auto price = decimal_of(find(members, "prix"));
  if (!price || !is_price(*price)) return invalid("prix is no price");
  const auto stock = decimal_of(find(members, "stock"));
  auto article = std::make_shared<Article>();
  article->members = members_text(members);
  article->price = *price;
  if (stock) article->stock = stock_limit(*stock);
  return {.kind = Kind::found, .article = std::move(article), .why = {}};
}

Verdict judge_body(std::string_view body) {
  json::parse_options options;
  options.max_depth = json_depth_max;
  json::basic_parser<Collector> parser(options);
  json::error_code ec;
  const auto consumed = parser.write_some(false, body.data(), body.size(), ec);
  if (ec || consumed < body.size()) return malformed("not JSON");
  const auto& document = parser.handler();
  if (document.error && document.error->type == Type::boolean && document.error->text == "true")
    return {.kind = Kind::denied, .article = nullptr, .why = "error: true"};
  if (document.error && document.error->type != Type::boolean)
    return invalid("error is no boolean");
  if (!document.rs) return malformed("no rs");
  if (*document.rs != Type::object) return invalid("rs is no object");
  if (document.too_many) return invalid("rs has too many members");
  return article_of(document.members);
}

} // namespace

std::string_view to_string(Verdict::Kind kind) noexcept {
  switch (kind) {
  case Kind::found: return "found";
  case Kind::gone: return "gone";
  case Kind::denied: return "denied";
  case Kind::invalid: return "invalid";
  case Kind::malformed: return "malformed";
  case Kind::failing: return "failing";
  case Kind::unreachable: return "unreachable";
  }
  return "unreachable";
}

Verdict judge(long status, std::string_view body) {
  if (status == 404 || status == 410)
    return {.kind = Kind::gone, .article = nullptr, .why = "status " + std::to_string(status)};
  if (status >= 500 || status == 429)
    return {.kind = Kind::failing, .article = nullptr, .why = "status " + std::to_string(status)};
  if (status != 200) return malformed("status " + std::to_string(status));
  return judge_body(body);
}

} // namespace panier::catalogue
