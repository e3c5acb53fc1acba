#include "commit/receipt.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace panier::commit {

namespace {

// "1 add 656b.. 1764000000001 1500 CM": form, kind, id, version, thousandths, flags. The form is
// numbered because a newer panier may read keys that an older one wrote a day ago.
constexpr std::string_view form = "1";
constexpr std::size_t answer_bytes_max = 200;
constexpr cart::OperationKind kinds[] = {cart::OperationKind::create, cart::OperationKind::add,
                                         cart::OperationKind::edit,   cart::OperationKind::remove,
                                         cart::OperationKind::empty,  cart::OperationKind::erase};

// Takes the next word off `rest`; empty at the end.
std::string_view take_word(std::string_view& rest) {
  const auto word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(word.size() + 1, rest.size()));
  return word;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto end = text.data() + text.size();
  // The end is given, as from_chars wants it.
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<cart::OperationKind> parse_kind(std::string_view text) {
  for (const auto kind : kinds)
    if (to_string(kind) == text) return kind;
  return std::nullopt;
}

std::string flags_of(const Receipt& receipt) {
  std::string flags;
  if (receipt.outcome.existed) flags += 'E';
  if (receipt.outcome.changed) flags += 'C';
  if (receipt.mirrored) flags += 'M';
  return flags.empty() ? "-" : flags;
}

} // namespace

std::string encode(const Receipt& receipt) {
  const auto& outcome = receipt.outcome;
  std::string text(form);
  text.append(" ").append(to_string(outcome.kind));
  text.append(" ").append(outcome.id.hex());
  text.append(" ").append(std::to_string(outcome.version));
  text.append(" ").append(std::to_string(outcome.quantity.thousandths()));
  text.append(" ").append(flags_of(receipt));
  return text; // at most 1 + 6 + 24 + 20 + 20 + 3 characters and 5 spaces
}

std::optional<Receipt> decode(std::string_view text) {
  if (text.size() > answer_bytes_max || take_word(text) != form) return std::nullopt;
  const auto kind = parse_kind(take_word(text));
  const auto id = cart::CartId::parse(take_word(text));
  const auto version = parse_int(take_word(text));
  const auto thousandths = parse_int(take_word(text));
  Receipt receipt;
  if (!kind || !id || !version || !thousandths) return std::nullopt;
  receipt.outcome = {.kind = *kind,
                     .id = *id,
                     .version = *version,
                     .quantity = cart::Quantity::from_thousandths(*thousandths),
                     .existed = text.find('E') != text.npos,
                     .changed = text.find('C') != text.npos};
  receipt.mirrored = text.find('M') != text.npos;
  if (flags_of(receipt) != text) return std::nullopt;
  return receipt;
}

} // namespace panier::commit
