#include "migrate/report.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace panier::migrate {
namespace {

constexpr std::size_t content_bytes_max = 200; // of one line; the table has all of it

// A line stays a line, whatever somebody wrote into a cart.
std::string shown(std::string_view text) {
  auto end = std::min(text.size(), content_bytes_max);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end; // not in the middle of a character
  std::string out(text.substr(0, end));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  if (end < text.size()) out += "...";
  return out;
}

// An empty list by another name is what the old service wrote every day: kept in the table, and
// counted, but not worth a line each.
bool everyday(const Aside& aside) {
  return aside.reason == "articles NULL" && aside.taken_over;
}

} // namespace

void Report::user(const cart::UserId& user, const Merged& merged) {
  bool told = false;
  for (const auto& finding : merged.findings) {
    fmt::print(out_, "{}: {}\n", user.text(), finding);
    told = true;
  }
  for (const auto& aside : merged.aside) {
    if (!aside.taken_over) ++set_aside_;
    if (everyday(aside)) continue;
    fmt::print(out_, "{}: {}: {}, {}: {}\n", user.text(), to_string(aside.origin),
               aside.taken_over ? "taken over" : "set aside", aside.reason, shown(aside.content));
    told = true;
  }
  if (told) ++reported_;
}

void Report::foreign(const Row& row) {
  ++foreign_;
  fmt::print(out_, "user \"{}\": not a user_id for panier, set aside: MariaDB's row {}: {}\n",
             shown(row.user_id), row.id_maria, shown(row.articles.value_or("NULL")));
}

void Report::foreign(const Document& document) {
  ++foreign_;
  fmt::print(out_, "user \"{}\": not a user_id for panier, set aside: MongoDB's document {}\n",
             shown(document.user_id.value_or("(none)")), shown(document.json));
}

void Report::refused(Origin origin, const std::optional<std::string>& user_id,
                     std::string_view what, std::string_view why) {
  fmt::print(out_,
             "user \"{}\": {} does not take it back, it stays in panier_foreign_user: {}: {}\n",
             shown(user_id.value_or("(none)")), to_string(origin), shown(what), shown(why));
}

void Report::new_id(const cart::UserId& user, std::string_view was, std::string_view now) {
  fmt::print(out_, "{}: its id \"{}\" cannot be read: new id {}\n", user.text(), shown(was), now);
}

void Report::line(std::string_view text) {
  fmt::print(out_, "{}\n", text);
}

void Report::total(std::string_view what, std::int64_t count) {
  fmt::print(out_, "{}: {}\n", what, count);
}

} // namespace panier::migrate
