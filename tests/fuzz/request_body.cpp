// A request's body: what is accepted is JSON as Boost reads it, within the documented bounds, and
// says the same when it is written and read again; what is refused names its field.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "api/body.hpp"
#include "api/json_writer.hpp"
#include "cart/cart.hpp"
#include "fuzz.hpp"

namespace panier::fuzz {
namespace {

using api::JsonObject;
using api::JsonValue;
using cart::OperationKind;
using cart::Quantity;
using Kind = JsonValue::Kind;

constexpr cart::Limits limits{.lines_max = 3};

Kind kind_of(const boost::json::value& value) {
  switch (value.kind()) {
  case boost::json::kind::string: return Kind::string;
  case boost::json::kind::bool_: return Kind::boolean;
  case boost::json::kind::null: return Kind::null;
  case boost::json::kind::array: return Kind::array;
  case boost::json::kind::object: return Kind::object;
  default: return Kind::number;
  }
}

// An independent reading of the same text. Its own parser keeps the last of duplicate keys, so it
// cannot tell what we refuse, only what we accept.
void promise_same_as_boost(std::string_view text, const JsonObject& ours) {
  boost::json::parse_options options;
  options.max_depth = api::json_depth_max;
  boost::json::error_code error;
  const auto theirs = boost::json::parse(text, error, {}, options);
  promise(!error && theirs.is_object(), "what is accepted is a JSON object", text);
  promise(theirs.get_object().size() == ours.size(), "no member is lost or made up", text);
  for (const auto& [name, value] : ours) {
    const auto* found = theirs.get_object().if_contains(name);
    promise(found != nullptr && kind_of(*found) == value.kind, "a member is what it says", name);
    if (found->is_string())
      promise(std::string_view(found->get_string()) == value.text, "a string is its text", name);
  }
}

// Of the values alone: names are written by us only, and need no escapes then.
void promise_text_survives(const JsonObject& body) {
  for (const auto& [name, value] : body) {
    if (value.kind != Kind::string) continue;
    api::JsonWriter json;
    const auto written = json.begin_object().key("x").text(value.text).end_object().take();
    const auto read = api::parse_json_object(written);
    promise(read && read->size() == 1, "what we write can be read", written);
    api::JsonWriter again;
    const auto twice = again.begin_object().key("x").text(read->at("x").text).end_object().take();
    promise(twice == written, "a text that was written once is written the same again", written);
  }
}

void promise_names(const Error& error, std::string_view field) {
  promise(error.code == Errc::invalid_field && error.field == field, "an error names its field",
          error.field);
}

void promise_quantity(Quantity quantity) {
  const auto n = quantity.thousandths();
  promise(n >= -Quantity::thousandths_max && n <= Quantity::thousandths_max,
          "a quantity is within +-1,000,000");
  const auto text = quantity.to_text();
  promise(Quantity::from_text(text) == quantity, "a quantity comes back from its text", text);
  promise(Quantity::from_json_number(text) == quantity, "its text is a JSON number", text);
}

void promise_sound(const cart::Cart& cart) {
  std::set<cart::LineKey> keys;
  for (const auto& line : cart.lines) {
    promise(keys.insert(line.key).second, "a line stands once", line.key.article_id());
    promise(line.quantity.positive() && line.quantity.thousandths() <= Quantity::thousandths_max,
            "a line holds 0.001 to 1,000,000", line.quantity.to_text());
  }
  promise(cart.lines.size() <= limits.lines_max, "a cart has its limit of lines");
}

// The operation on an empty, a full and an absent cart.
void promise_applies(const cart::LineKey& key, Quantity quantity) {
  const auto full = Quantity::from_thousandths(Quantity::thousandths_max);
  const auto a = cart::LineKey::parse("a").value();
  const auto b = cart::LineKey::parse("b").value();
  const auto c = cart::LineKey::parse("c").value();
  const cart::Cart carts[] = {
      {.id = {}, .version = 4, .exists = false, .lines = {}},
      {.id = {}, .version = 4, .exists = true, .lines = {{a, Quantity::of(1)}}},
      {.id = {}, .version = 4, .exists = true, .lines = {{a, full}, {b, full}, {c, full}}}};
  for (const auto& before : carts) {
    for (const auto kind : {OperationKind::add, OperationKind::edit, OperationKind::remove}) {
      auto after = before;
      const cart::Operation operation{.kind = kind,
                                      .user = cart::UserId::parse("u").value(),
                                      .line = key,
                                      .quantity = quantity,
                                      .if_match = std::nullopt};
      const auto outcome = cart::apply(after, operation, 5, limits);
      promise_sound(after);
      promise(outcome || after == before, "a refusal leaves the cart as it was");
      if (!outcome) continue;
      promise(outcome->changed == (after.version == 5), "a version for a change, and only for one");
      promise(outcome->changed || after == before, "a no-op changes nothing");
    }
  }
}

void check(std::string_view text) {
  http::Request request;
  request.body = text;
  const auto body = api::read_body(request);
  if (!body) {
    const auto code = body.error().code;
    promise(code == Errc::malformed_json || code == Errc::duplicate_json_key ||
                code == Errc::invalid_field,
            "a body is refused as a body", to_string(code));
    promise(code != Errc::invalid_field || !body.error().field.empty(), "an error names its field");
    return;
  }
  promise_same_as_boost(text, *body);
  promise_text_survives(*body);
  const auto article = api::read_article_id(*body);
  if (!article) promise_names(article.error(), "article_id");
  if (article)
    promise(cart::is_identifier(article->article_id()), "an article id is an identifier");
  const auto quantity = api::read_quantity(*body);
  if (!quantity) promise_names(quantity.error(), "quantite");
  if (quantity) promise_quantity(*quantity);
  if (article && quantity) promise_applies(*article, *quantity);
  if (const auto policy = api::read_text(*body, "policy"); !policy)
    promise_names(policy.error(), "policy");
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  panier::fuzz::check(panier::fuzz::text_of(data, size));
  return 0;
}
