// What the articles service answers, whatever it is: only an article with a name and a price is
// one, and what of it is put into a cart's line is valid JSON that says nothing the cart knows
// better.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "catalogue/article.hpp"
#include "fuzz.hpp"

namespace panier::fuzz {
namespace {

using cart::Quantity;

constexpr std::string_view own_fields[] = {"id",         "article_id",    "quantite_utilisateur",
                                           "sous_total", "prix_obsolete", "prix_age_s"};
constexpr catalogue::Cents line_cents_max =
    1'000'000'000'000'000; // 10,000,000 EUR, 1,000,000 times

// Of valid JSON: the members of the outermost object, also those of the same name.
std::size_t count_members(std::string_view members) {
  std::size_t count = 1;
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < members.size(); ++at) {
    const char c = members[at];
    if (in_string && c == '\\') ++at;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) ++count;
  }
  return count;
}

void promise_members(const std::string& members) {
  boost::json::error_code error;
  const auto read = boost::json::parse("{" + members + "}", error);
  promise(!error && read.is_object(), "a line with the article in it is JSON", members);
  const auto& object = read.get_object();
  promise(object.size() == count_members(members), "each key stands once", members);
  const auto* name = object.if_contains("name");
  promise(name != nullptr && name->is_string(), "an article has a name", members);
  for (const auto field : own_fields)
    promise(!object.contains(field), "the cart's own fields are the cart's", field);
}

void promise_price(const catalogue::Decimal& price) {
  promise(catalogue::is_price(price), "an article has a price");
  catalogue::Cents before = 0;
  for (const std::int64_t thousandths : {std::int64_t{1}, std::int64_t{1'000}, std::int64_t{1'500},
                                         std::int64_t{Quantity::thousandths_max}}) {
    const auto cents = catalogue::subtotal(price, Quantity::from_thousandths(thousandths));
    promise(cents >= before && cents <= line_cents_max, "more of it never costs less");
    before = cents;
    promise(catalogue::parse_decimal(catalogue::cents_text(cents)).has_value(), "a sum is a number",
            catalogue::cents_text(cents));
  }
}

void check(std::string_view body) {
  for (const long status : {204L, 301L, 404L, 410L, 429L, 500L}) {
    const auto refused = catalogue::judge(status, body);
    promise(refused.kind != catalogue::Verdict::Kind::found && !refused.article,
            "no article but with 200");
  }
  const auto verdict = catalogue::judge(200, body);
  const bool found = verdict.kind == catalogue::Verdict::Kind::found;
  promise(found == (verdict.article != nullptr), "an article exactly where one is found");
  promise(found == verdict.why.empty(), "what is no article is told why", verdict.why);
  if (!found) return;
  promise_members(verdict.article->members);
  promise_price(verdict.article->price);
  if (const auto stock = verdict.article->stock)
    promise(stock->thousandths() >= 0 && stock->thousandths() <= Quantity::thousandths_max,
            "a stock is 0 to what a line may hold");
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  panier::fuzz::check(panier::fuzz::text_of(data, size));
  return 0;
}
