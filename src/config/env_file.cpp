#include "config/env_file.hpp"

namespace panier::config {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

bool is_key(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  if (text.empty() || !letter(text.front())) return false;
  return std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view without_export(std::string_view line) {
  constexpr std::string_view word = "export";
  if (!line.starts_with(word) || line.size() == word.size() || !is_blank(line[word.size()]))
    return line;
  return trim(line.substr(word.size()));
}

std::unexpected<Error> bad_line(int line, std::string_view why) {
  return fail(Errc::config_invalid,
              "line " + std::to_string(line) + " of the .env file: " + std::string(why));
}

// `rest` begins with a quote.
Result<std::string> quoted_value(std::string_view rest, int line) {
  const std::size_t end = rest.find(rest.front(), 1);
  if (end == std::string_view::npos) return bad_line(line, "the closing quote is missing");
  const std::string_view after = rest.substr(end + 1);
  const std::string_view trimmed = trim(after);
  const bool comment = trimmed.starts_with('#') && is_blank(after.front());
  if (!trimmed.empty() && !comment) return bad_line(line, "there is text after the closing quote");
  return std::string(rest.substr(1, end - 1));
}

// `rest` is all that follows the '='.
std::string bare_value(std::string_view rest) {
  for (std::size_t at = rest.find('#'); at != std::string_view::npos; at = rest.find('#', at + 1))
    if (at > 0 && is_blank(rest[at - 1])) return std::string(trim(rest.substr(0, at)));
  return std::string(trim(rest));
}

// nothing: a blank line or a comment.
Result<std::optional<Assignment>> parse_line(std::string_view text, int line) {
  text = trim(text);
  if (text.empty() || text.front() == '#') return std::nullopt;
  text = without_export(text);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return bad_line(line, "there is no '='");
  const std::string_view key = trim(text.substr(0, equals));
  if (!is_key(key)) return bad_line(line, "what stands before '=' is no name of a setting");
  const std::string_view rest = text.substr(equals + 1);
  const std::string_view value = trim(rest);
  if (value.empty() || (value.front() != '"' && value.front() != '\''))
    return Assignment{std::string(key), bare_value(rest), line};
  auto inner = quoted_value(value, line);
  if (!inner) return std::unexpected(std::move(inner).error());
  return Assignment{std::string(key), *std::move(inner), line};
}

} // namespace

Result<std::vector<Assignment>> parse_env_file(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::vector<Assignment> all;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view current = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (current.ends_with('\r')) current.remove_suffix(1);
    auto assignment = parse_line(current, line);
    if (!assignment) return std::unexpected(assignment.error());
    if (std::optional<Assignment>& found = *assignment) all.push_back(*std::move(found));
  }
  return all;
}

} // namespace panier::config
