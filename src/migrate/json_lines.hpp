// JSON as the predecessor left it, in MariaDB's column and in a document's extended JSON: numbers
// of both spellings, and a value written back as one line of text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "cart/quantity.hpp"

namespace panier::migrate {

// nullopt: not JSON (Python's NaN and Infinity are not), or nested deeper than a cart can be.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);

// As Python would write it: {"article_id": "a", "quantite": 2.0}; extended JSON's numbers
// ({"$numberDouble": "2.0"}) as plain ones.
[[nodiscard]] std::string json_text(const boost::json::value& value);

// What stands between the commas of a list, or of an object ("name": value), as it is written
// there. `text` is JSON.
[[nodiscard]] std::vector<std::string_view> items_of(std::string_view text);

// Does a double have exactly the number that is written here, so that nothing of it is lost?
[[nodiscard]] bool a_double_holds(std::string_view number);

// A quantity as it was found.
struct Judged {
  enum class Form : std::uint8_t { number, text, none }; // text: a number written as a string
  Form form = Form::none;
  // Rounded to thousandths, and within +-1,000,000; nullopt: beyond that, or no number at all.
  std::optional<cart::Quantity> quantity{};
  bool rounded = false; // it had more than 3 decimals
  bool beyond = false;  // a number, but too great for a cart
};
[[nodiscard]] Judged judge_quantity(const boost::json::value& value);

} // namespace panier::migrate
