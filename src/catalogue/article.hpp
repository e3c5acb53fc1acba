// What the articles service says of an article, checked and ready to be put into a line: bad data
// is told here, so that no cart can break on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "catalogue/decimal.hpp"

namespace panier::catalogue {

struct Article {
  // `"name":"..","prix":19.99,..`: the members of `rs` as JSON, in their order, numbers by their
  // own text, without those that a line has of its own (id, article_id, quantite_utilisateur,
  // sous_total, prix_obsolete, prix_age_s). Never empty: `name` is there, and is a string.
  std::string members;
  Decimal price;                       // is_price()
  std::optional<cart::Quantity> stock; // nullopt: absent, or no number
};
using ArticlePtr = std::shared_ptr<const Article>;

// What came of asking for an article.
struct Verdict {
  enum class Kind : std::uint8_t {
    found,
    gone,        // 404, 410: there is no such article
    denied,      // 200 with "error": true: none, or the service's own trouble
    invalid,     // an answer about the article that no line can be made of
    malformed,   // not the articles service's kind of answer at all: HTML, a redirect, too long
    failing,     // 5xx, 429
    unreachable, // no connection, no answer in time, or half of one
  };
  Kind kind = Kind::unreachable;
  ArticlePtr article{}; // of found
  std::string why{};    // for the log
};
[[nodiscard]] std::string_view to_string(Verdict::Kind kind) noexcept;

// Judges one HTTP answer. `body` is bounded by whoever received it.
[[nodiscard]] Verdict judge(long status, std::string_view body);

} // namespace panier::catalogue
