#include "store/lines/lines_json.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace panier::store {
namespace {

// Reads the few JSON forms that occur here. Each method consumes what it names, or says no and the
// text is corrupt.
class Cursor {
public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly this text, its own spaces included.
  bool take_text(std::string_view text) {
    skip_space();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::optional<std::string_view> string() {
    if (!take('"')) return std::nullopt;
    std::size_t end = 0; // by hand: find_first_of() calls memchr() for every character
    while (end < rest_.size() && rest_[end] != '"' && rest_[end] != '\\')
      ++end;
    if (end == rest_.size() || rest_[end] == '\\') return std::nullopt;
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  // Only the extent of a number; whether it is one is judged by who takes it.
  std::string_view number() {
    skip_space();
    const auto of_number = [](char c) {
      return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
    };
    std::size_t end = 0;
    while (end < rest_.size() && of_number(rest_[end]))
      ++end;
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return text;
  }

  bool at_end() {
    skip_space();
    return rest_.empty();
  }

private:
  void skip_space() {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!rest_.empty() && is_space(rest_.front()))
      rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

// `[` items, comma-separated, `]`, and nothing after it.
template <class ReadItem>
bool read_array(std::string_view text, ReadItem read_item) {
  Cursor cursor(text);
  if (!cursor.take('[')) return false;
  if (cursor.take(']')) return cursor.at_end();
  do {
    if (!read_item(cursor)) return false;
  } while (cursor.take(','));
  return cursor.take(']') && cursor.at_end();
}

enum class Member : std::uint8_t { article_id, quantity, unknown };

// A member's name and its colon.
Member read_member(Cursor& cursor) {
  // As lines_to_json() writes them, in one look each; then as they may be.
  if (cursor.take_text(R"("article_id": )")) return Member::article_id;
  if (cursor.take_text(R"("quantite": )")) return Member::quantity;
  const auto name = cursor.string();
  if (!name || !cursor.take(':')) return Member::unknown;
  if (*name == "article_id") return Member::article_id;
  return *name == "quantite" ? Member::quantity : Member::unknown;
}

std::optional<cart::Line> read_line(Cursor& cursor) {
  std::optional<cart::LineKey> key;
  std::optional<cart::Quantity> quantity;
  if (!cursor.take('{')) return std::nullopt;
  do {
    const auto member = read_member(cursor);
    if (member == Member::article_id && !key) {
      const auto id = cursor.string();
      if (!id) return std::nullopt;
      key = cart::LineKey::parse(*id);
      if (!key) return std::nullopt;
    } else if (member == Member::quantity && !quantity) {
      const auto read = cart::Quantity::from_json_number(cursor.number());
      if (!read || !read->positive()) return std::nullopt;
      quantity = *read;
    } else {
      return std::nullopt;
    }
  } while (cursor.take(','));
  if (!cursor.take('}') || !key || !quantity) return std::nullopt;
  return cart::Line{std::move(*key), *quantity};
}

std::optional<commit::Listed> read_listed(Cursor& cursor) {
  if (!cursor.take('[')) return std::nullopt;
  const auto name = cursor.string();
  if (!name || !cursor.take(',')) return std::nullopt;
  const auto user = cart::UserId::parse(*name);
  const auto number = cursor.number();
  cart::Version version = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), version);
  // As JSON has it and we write it: "007" is no number.
  const bool whole = error == std::errc{} && end == number.data() + number.size() && version >= 0 &&
                     (number.size() == 1 || number.front() != '0');
  if (!user || !whole || !cursor.take(']')) return std::nullopt;
  return commit::Listed{*user, version};
}

// The start of the text is enough to recognise the row in a log, and bounded.
std::unexpected<Error> corrupt(std::string_view what, std::string_view text) {
  constexpr std::size_t excerpt_chars_max = 80;
  std::string detail(what);
  detail.append(" cannot be read: ").append(text.substr(0, excerpt_chars_max));
  return fail(Errc::store_corrupt, std::move(detail));
}

// As the platform writes a float: "2" is "2.0" there.
void append_float(std::string& out, cart::Quantity quantity) {
  out += quantity.to_text();
  if (quantity.thousandths() % 1000 == 0) out += ".0";
}

} // namespace

std::string articles_text(std::span<const cart::Line> lines) {
  auto text = lines_to_json(lines);
  text.resize((text.size() + articles_text_step - 1) / articles_text_step * articles_text_step,
              ' ');
  return text;
}

std::string articles_text(const commit::CartRow& row) {
  return row.unreadable ? *row.unreadable : articles_text(row.cart.lines);
}

std::string lines_to_json(std::span<const cart::Line> lines) {
  std::string out = "[";
  out.reserve((lines.size() + 1) * articles_text_step);
  for (const auto& line : lines) {
    if (out.size() > 1) out += ", ";
    out.append(R"({"article_id": ")").append(line.key.article_id()).append(R"(", "quantite": )");
    append_float(out, line.quantity);
    out += '}';
  }
  return out += ']';
}

Result<std::vector<cart::Line>> lines_from_json(std::string_view text) {
  std::vector<cart::Line> lines;
  lines.reserve(text.size() / articles_text_step + 1);
  const bool good = read_array(text, [&](Cursor& cursor) {
    auto line = read_line(cursor);
    if (line) lines.push_back(std::move(*line));
    return line.has_value();
  });
  if (!good) return corrupt("articles", text);
  std::vector<std::string_view> keys;
  keys.reserve(lines.size());
  for (const auto& line : lines)
    keys.push_back(line.key.article_id());
  std::ranges::sort(keys);
  if (std::ranges::adjacent_find(keys) != keys.end())
    return corrupt("articles (an id twice)", text);
  return lines;
}

std::string listed_to_json(std::span<const commit::Listed> listed) {
  std::string out = "[";
  for (const auto& [user, version] : listed) {
    if (out.size() > 1) out += ',';
    out.append("[\"").append(user.text()).append("\",").append(std::to_string(version)) += ']';
  }
  return out += ']';
}

Result<std::vector<commit::Listed>> listed_from_json(std::string_view text) {
  std::vector<commit::Listed> listed;
  const bool good = read_array(text, [&](Cursor& cursor) {
    auto entry = read_listed(cursor);
    if (entry) listed.push_back(std::move(*entry));
    return entry.has_value();
  });
  if (!good) return corrupt("a lane's list", text);
  return listed;
}

} // namespace panier::store
