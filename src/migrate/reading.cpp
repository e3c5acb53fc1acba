#include "migrate/reading.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/json/value.hpp>

#include "migrate/json_lines.hpp"

namespace panier::migrate {
namespace {

namespace json = boost::json;
using cart::LineKey;
using cart::Quantity;

constexpr std::array<std::string_view, 2> line_fields{"article_id", "quantite"};
constexpr std::array<std::string_view, 4> document_fields{"_id", "user_id", "id_maria", "articles"};

struct Key {
  std::optional<LineKey> key;
  std::string_view trouble; // with a key: it was taken over all the same
};

Key key_of(const json::object& line) {
  const auto* const id = line.if_contains("article_id");
  if (id == nullptr || id->is_null()) return {std::nullopt, "no article_id"};
  if (const auto* const text = id->if_string()) {
    if (text->empty()) return {std::nullopt, "no article_id"};
    auto key = LineKey::parse(std::string_view(*text));
    if (!key) return {std::nullopt, "article_id outside the alphabet"};
    return {std::move(key), {}};
  }
  const auto text = json_text(*id);
  const bool whole_number =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!whole_number) return {std::nullopt, "article_id is not a text"};
  return {LineKey::parse(text), "article_id written as a number"};
}

// Empty: a cart can hold it.
std::string_view trouble_with(const Judged& judged) {
  if (judged.beyond) return "quantity beyond 1000000";
  if (!judged.quantity) return "quantity is not a number";
  if (*judged.quantity < Quantity()) return "negative quantity";
  if (judged.quantity->thousandths() == 0)
    return judged.rounded ? "quantity below 0.001" : "quantity zero";
  return {};
}

void join(std::string& reasons, std::string_view reason) {
  if (!reasons.empty()) reasons += ", ";
  reasons += reason;
}

class ListReader {
public:
  ListReader(Origin origin, Reading& into) : origin_(origin), into_(into) {}

  // `texts`: each item as it stands there; none: it is written anew.
  void list(const json::array& list, std::span<const std::string_view> texts) {
    Lines seen; // of this list alone: what repeats here was written twice
    for (std::size_t at = 0; at < list.size(); ++at)
      line(list[at], at < texts.size() ? texts[at] : std::string_view(), seen);
  }

  void unreadable(std::string_view reason, std::string content) {
    into_.unreadable = true;
    aside(std::string(reason), std::move(content), false, true);
  }

  void aside(std::string reason, std::string content, bool taken_over, bool whole) {
    into_.aside.push_back({.origin = origin_,
                           .reason = std::move(reason),
                           .content = std::move(content),
                           .taken_over = taken_over,
                           .whole = whole});
  }

private:
  void line(const json::value& item, std::string_view text, Lines& seen) {
    const auto as_found = [&] { return text.empty() ? json_text(item) : std::string(text); };
    const auto refuse = [&](std::string_view why) {
      aside(std::string(why), as_found(), false, false);
    };
    const auto* const line = item.if_object();
    if (line == nullptr) return refuse("the line is not an object");
    auto key = key_of(*line);
    if (!key.key) return refuse(key.trouble);
    const auto* const quantity = line->if_contains("quantite");
    if (quantity == nullptr || quantity->is_null()) return refuse("no quantity");
    const auto judged = judge_quantity(*quantity);
    if (const auto trouble = trouble_with(judged); !trouble.empty()) return refuse(trouble);

    std::string notes(key.trouble);
    if (judged.form == Judged::Form::text) join(notes, "quantity written as a string");
    if (judged.rounded) join(notes, "quantity rounded to 3 decimals");
    if (line->size() > line_fields.size()) join(notes, "fields that panier does not keep");
    if (!notes.empty()) aside(std::move(notes), as_found(), true, false);
    if (seen.find(*key.key) != nullptr) into_.repeated.push_back(key.key->article_id());
    seen.add(*key.key, *judged.quantity);
    add(*key.key, *judged.quantity);
  }

  void add(const LineKey& key, Quantity quantity) {
    const auto excess = into_.lines.add(key, quantity);
    if (excess.positive()) aside("the sum is beyond 1000000", line_text(key, excess), false, false);
  }

  const Origin origin_;
  Reading& into_;
};

} // namespace

std::string_view to_string(Origin origin) noexcept {
  return origin == Origin::mariadb ? "MariaDB" : "MongoDB";
}

Quantity Lines::add(const LineKey& key, Quantity quantity) {
  const auto [place, fresh] = places_.try_emplace(key, lines_.size());
  if (fresh) {
    lines_.push_back({key, quantity});
    return {};
  }
  auto& line = lines_[place->second];
  const auto sum = line.quantity + quantity;
  line.quantity = std::min(sum, Quantity::from_thousandths(Quantity::thousandths_max));
  return Quantity::from_thousandths(sum.thousandths() - line.quantity.thousandths());
}

const cart::Line* Lines::find(const LineKey& key) const {
  const auto place = places_.find(key);
  return place == places_.end() ? nullptr : &lines_[place->second];
}

void read_articles(std::optional<std::string_view> text, Reading& into) {
  ListReader reader(Origin::mariadb, into);
  if (!text) return reader.aside("articles NULL", {}, true, true);
  if (text->find_first_not_of(" \t\r\n") == std::string_view::npos)
    return reader.aside("articles empty", std::string(*text), true, true);
  const auto value = parse_json(*text);
  if (!value) return reader.unreadable("articles is not JSON", std::string(*text));
  const auto* const list = value->if_array();
  if (list == nullptr) return reader.unreadable("articles is not a list", std::string(*text));
  reader.list(*list, items_of(*text)); // a number may have more digits than a double
}

void read_document(std::string_view document, Reading& into) {
  ListReader reader(Origin::mongodb, into);
  const auto value = parse_json(document);
  if (!value || !value->is_object()) // nested deeper than 32: nobody's cart
    return reader.unreadable("the document cannot be read", std::string(document));
  const auto& object = value->get_object();
  for (const auto& field : object) {
    if (std::ranges::find(document_fields, std::string_view(field.key())) != document_fields.end())
      continue;
    reader.aside("a field that panier does not keep",
                 "{" + json_text(field.key()) + ": " + json_text(field.value()) + "}", true, true);
  }
  const auto* const articles = object.if_contains("articles");
  if (articles == nullptr || articles->is_null())
    return reader.aside("articles NULL", {}, true, true);
  const auto* const list = articles->if_array();
  if (list == nullptr) return reader.unreadable("articles is not a list", json_text(*articles));
  reader.list(*list, {});
}

std::string line_text(const LineKey& key, Quantity quantity) {
  auto number = quantity.to_text();
  if (number.find('.') == std::string::npos) number += ".0";
  return R"({"article_id": ")" + key.article_id() + R"(", "quantite": )" + number + "}";
}

} // namespace panier::migrate
