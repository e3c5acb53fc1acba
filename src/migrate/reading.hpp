// What one list of the predecessor's holds for a cart, and what it holds that no cart can. Pure.
// Nothing of the text is lost: each line is in `lines`, in `aside`, or in both (taken over, but not
// as it stood).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cart/cart.hpp"

namespace panier::migrate {

enum class Origin : std::uint8_t { mariadb, mongodb };
[[nodiscard]] std::string_view to_string(Origin origin) noexcept; // "MariaDB", "MongoDB"

// What is kept beside the carts.
struct Aside {
  Origin origin = Origin::mariadb;
  std::string reason;
  std::string content;     // as found: a line, the whole `articles`, or an id
  bool taken_over = false; // the cart has what it means all the same (a quantity as a string, ..)
  bool whole = false;      // the whole `articles`, not one line of it
  friend bool operator==(const Aside&, const Aside&) = default;
};

// Lines by article, in the order in which the articles first came.
class Lines {
public:
  // Adds; returns what would have gone beyond the limit of a line.
  cart::Quantity add(const cart::LineKey& key, cart::Quantity quantity);
  [[nodiscard]] const std::vector<cart::Line>& in_order() const { return lines_; }
  [[nodiscard]] const cart::Line* find(const cart::LineKey& key) const;

private:
  std::vector<cart::Line> lines_;
  std::map<cart::LineKey, std::size_t> places_;
};

struct Reading {
  Lines lines;
  std::vector<Aside> aside;
  std::vector<std::string> repeated; // articles that stood more than once; their quantities added
  bool unreadable = false; // a list of it as a whole: not empty, but nobody knows what it held
};

// MariaDB's `articles`: JSON text, "[]", NULL, or worse.
void read_articles(std::optional<std::string_view> text, Reading& into);
// A document in extended JSON.
void read_document(std::string_view document, Reading& into);

// The line {"article_id": .., "quantite": ..} as text.
[[nodiscard]] std::string line_text(const cart::LineKey& key, cart::Quantity quantity);

} // namespace panier::migrate
