#include "runtime/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace panier::runtime {
namespace {

constexpr std::string_view cut_mark = "...";
constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xC0U) == 0x80U;
}

// The length of the UTF-8 sequence at the start of `text`, 0 if there is none (overlong and
// surrogates are none).
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  const auto second = text.size() > 1 ? static_cast<std::uint8_t>(text[1]) : std::uint8_t{0};
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(text, 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return continues(text, 1) && continues(text, 2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return continues(text, 1) && continues(text, 2) && continues(text, 3) ? 4 : 0;
  }
  return 0;
}

// U+0080 to U+009F, U+2028 and U+2029 are line ends or commands to some terminals and viewers.
bool unseen(std::string_view sequence) {
  return (sequence.size() == 2 && sequence[0] == '\xC2' &&
          static_cast<std::uint8_t>(sequence[1]) < 0xA0) ||
         sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9";
}

enum class Style : std::uint8_t { json, log, record };

// What stands for the first character of `text`.
std::string_view shown(std::string_view text, Style style, std::string& scratch) {
  static constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<std::uint8_t>(text[0]);
  switch (text[0]) {
  case '\n': return "\\n";
  case '\r': return "\\r";
  case '\t': return "\\t";
  case '\\': return style == Style::record ? "\\" : "\\\\";
  case '"': return style == Style::record ? "\"" : "\\\"";
  case '|': return style == Style::record ? "\\u007c" : "|";
  default: break;
  }
  if (byte < 0x20 || byte == 0x7F) {
    scratch = "\\u00";
    scratch += digits[byte >> 4U];
    scratch += digits[byte & 0xFU];
    return scratch;
  }
  const std::size_t length = sequence_length(text);
  const auto sequence = text.substr(0, length);
  return length == 0 || (style != Style::json && unseen(sequence)) ? replacement : sequence;
}

// Printable ASCII that both styles show as it is.
constexpr auto plain = [] {
  std::array<bool, 256> shown_as_is{};
  for (unsigned byte = 0x20; byte < 0x7F; ++byte)
    shown_as_is[byte] = byte != '"' && byte != '\\' && byte != '|';
  return shown_as_is;
}();

std::string_view plain_start(std::string_view text) {
  const auto end =
      std::ranges::find_if_not(text, [](char c) { return plain[static_cast<std::uint8_t>(c)]; });
  return {text.begin(), end};
}

void append(std::string& out, std::string_view text, std::size_t bytes_max, Style style) {
  std::string scratch;
  const std::size_t begin = out.size();
  while (!text.empty()) {
    const std::size_t used = out.size() - begin + cut_mark.size();
    const std::size_t room = bytes_max - std::min(used, bytes_max);
    std::string_view piece = plain_start(text.substr(0, room));
    std::size_t taken = piece.size();
    if (piece.empty()) { // no room, or not plain
      piece = shown(text, style, scratch);
      taken = std::max<std::size_t>(sequence_length(text), 1);
    }
    if (piece.size() > room) {
      out += cut_mark;
      return;
    }
    out += piece;
    text.remove_prefix(taken);
  }
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append(out, text, std::numeric_limits<std::size_t>::max(), Style::json);
  out += '"';
}

void append_log_string(std::string& out, std::string_view text, std::size_t bytes_max) {
  out += '"';
  append(out, text, bytes_max, Style::log);
  out += '"';
}

void append_record_text(std::string& out, std::string_view text, std::size_t bytes_max) {
  append(out, text, bytes_max, Style::record);
}

} // namespace panier::runtime
