#include "migrate/json_lines.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace panier::migrate {
namespace {

namespace json = boost::json;

// A double that means a thousandth is this close to it, in thousandths (sums of floats are not
// exact).
constexpr double thousandth_tolerance = 1e-6;

// {"$numberDouble": "2.0"} and its like: the number's text.
std::optional<std::string_view> extended_number(const json::value& value) {
  const auto* const object = value.if_object();
  if (object == nullptr || object->size() != 1) return std::nullopt;
  const auto& field = *object->begin();
  if (!std::string_view(field.key()).starts_with("$number") || !field.value().is_string())
    return std::nullopt;
  return std::string_view(field.value().get_string());
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

std::string double_text(double number) {
  auto text = fmt::format("{}", number);
  if (text.find_first_of(".en") == std::string::npos) text += ".0"; // 2 is 2.0 there
  return text;
}

Judged judge_double(double number) {
  Judged judged{.form = Judged::Form::number};
  if (!std::isfinite(number)) return {};
  const double thousandths = number * 1000.0;
  if (std::abs(thousandths) > static_cast<double>(cart::Quantity::thousandths_max)) {
    judged.beyond = true;
    return judged;
  }
  const double nearest = std::round(thousandths);
  judged.rounded = std::abs(thousandths - nearest) > thousandth_tolerance;
  judged.quantity = cart::Quantity::from_thousandths(static_cast<std::int64_t>(nearest));
  return judged;
}

// All of the text is one number; nullopt otherwise.
std::optional<double> double_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = end == text.data() + text.size() && !text.empty();
  if (error != std::errc{} || !all || !std::isfinite(number)) return std::nullopt;
  return number;
}

Judged judge_text(std::string_view text, Judged::Form form) {
  Judged judged;
  if (const auto exact = cart::Quantity::from_text(text)) {
    judged.quantity = *exact;
  } else if (const auto number = double_of(text)) {
    judged = judge_double(*number);
  } else {
    return {};
  }
  judged.form = form;
  return judged;
}

void append(std::string& out, const json::value& value) {
  if (const auto number = extended_number(value)) {
    out += *number;
  } else if (value.is_double()) {
    out += double_text(value.get_double());
  } else if (const auto* const object = value.if_object()) {
    out += '{';
    for (const char* between = ""; const auto& field : *object) {
      out += std::exchange(between, ", ");
      out += json::serialize(field.key());
      out += ": ";
      append(out, field.value());
    }
    out += '}';
  } else if (const auto* const list = value.if_array()) {
    out += '[';
    for (const char* between = ""; const auto& item : *list) {
      out += std::exchange(between, ", ");
      append(out, item);
    }
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

} // namespace

std::optional<json::value> parse_json(std::string_view text) {
  json::error_code error;
  auto value = json::parse(text, error);
  if (error) return std::nullopt;
  return value;
}

std::string json_text(const json::value& value) {
  std::string out;
  append(out, value); // no deeper than parse_json() goes
  return out;
}

std::vector<std::string_view> items_of(std::string_view text) {
  std::vector<std::string_view> items;
  std::size_t begin = 0;
  const auto item_ends = [&](std::size_t end) {
    const auto item = trimmed(text.substr(begin, end - begin));
    if (!item.empty()) items.push_back(item);
    begin = end + 1;
  };
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at; // what follows ends no text
    } else if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '[' || c == '{') {
      if (depth++ == 0) begin = at + 1;
    } else if (c == ']' || c == '}') {
      if (--depth == 0) item_ends(at);
    } else if (c == ',' && depth == 1) {
      item_ends(at);
    }
  }
  return items;
}

bool a_double_holds(std::string_view number) {
  const auto value = double_of(number);
  if (!value) return false;
  // Python's spelling, ours, and libbson's, which has more digits than a double needs.
  const auto long_text = fmt::format("{:.20g}", *value);
  return number == double_text(*value) || number == fmt::format("{}", *value) ||
         number == long_text || number == long_text + ".0";
}

Judged judge_quantity(const json::value& value) {
  using Form = Judged::Form;
  if (const auto number = extended_number(value)) return judge_text(*number, Form::number);
  if (value.is_string()) return judge_text(std::string_view(value.get_string()), Form::text);
  if (value.is_int64()) return judge_double(static_cast<double>(value.get_int64()));
  if (value.is_uint64()) return judge_double(static_cast<double>(value.get_uint64()));
  if (value.is_double()) return judge_double(value.get_double());
  return {};
}

} // namespace panier::migrate
