#include "migrate/merge.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace panier::migrate {
namespace {

using cart::Line;
using cart::UserId;

std::string_view without_trailing_spaces(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

UserId spelled(std::string_view user_id) {
  return *UserId::parse(without_trailing_spaces(user_id)); // group_key() has seen it
}

// The user of this spelling, in order of appearance.
User& user_of(std::vector<User>& users, const UserId& spelling) {
  const auto known = std::ranges::find(users, spelling, &User::user);
  if (known != users.end()) return *known;
  return users.emplace_back(User{.user = spelling, .sources = {}});
}

Reading read_all(const std::vector<Row>& rows) {
  Reading reading;
  for (const auto& row : rows)
    read_articles(row.articles, reading);
  return reading;
}

Reading read_all(const std::vector<Document>& documents) {
  Reading reading;
  for (const auto& document : documents)
    read_document(document.json, reading);
  return reading;
}

std::string shown(const Line* line) {
  return line == nullptr ? "none" : line->quantity.to_text();
}

// Both stores have the cart: the lines that it gets, and what they differ in.
class Comparison {
public:
  Comparison(const Lines& mariadb, const Lines& mongodb, Prefer prefer)
      : mariadb_(mariadb), mongodb_(mongodb), prefer_(prefer) {
    for (const auto& line : mariadb.in_order())
      take(line.key);
    for (const auto& line : mongodb.in_order())
      if (mariadb.find(line.key) == nullptr) take(line.key);
  }

  std::vector<Line> lines;
  std::vector<std::string> differences;

private:
  void take(const cart::LineKey& key) {
    const auto* const in_mariadb = mariadb_.find(key);
    const auto* const in_mongodb = mongodb_.find(key);
    const auto* const kept = choose(in_mariadb, in_mongodb);
    if (kept != nullptr) lines.push_back(*kept);
    if (in_mariadb != nullptr && in_mongodb != nullptr && *in_mariadb == *in_mongodb) return;
    differences.push_back(fmt::format("{}: MariaDB {}, MongoDB {}, kept {}", key.article_id(),
                                      shown(in_mariadb), shown(in_mongodb), shown(kept)));
  }

  [[nodiscard]] const Line* choose(const Line* in_mariadb, const Line* in_mongodb) const {
    if (prefer_ == Prefer::mariadb) return in_mariadb;
    if (prefer_ == Prefer::mongodb) return in_mongodb;
    if (in_mariadb == nullptr) return in_mongodb;
    if (in_mongodb == nullptr) return in_mariadb;
    return in_mariadb->quantity < in_mongodb->quantity ? in_mongodb : in_mariadb;
  }

  const Lines& mariadb_;
  const Lines& mongodb_;
  const Prefer prefer_;
};

void tell_spellings(const User& user, Merged& merged) {
  std::set<std::string> others;
  for (const auto& row : user.sources.rows)
    if (without_trailing_spaces(row.user_id) != user.user.text())
      others.insert(std::string(without_trailing_spaces(row.user_id)));
  if (!others.empty())
    merged.findings.push_back(fmt::format("also spelled {} in MariaDB", fmt::join(others, ", ")));
}

void tell_repeated(const Reading& reading, Origin origin, Merged& merged) {
  const std::set<std::string> articles(reading.repeated.begin(), reading.repeated.end());
  for (const auto& article : articles)
    merged.findings.push_back(
        fmt::format("{}: {} stands there more than once, added up", to_string(origin), article));
}

void tell_merged(const User& user, Merged& merged) {
  const auto& [rows, documents] = user.sources;
  if (rows.size() > 1) {
    std::vector<std::uint32_t> ids;
    ids.reserve(rows.size());
    for (const auto& row : rows)
      ids.push_back(row.id_maria);
    merged.findings.push_back(fmt::format("{} rows in MariaDB added up (id_maria {})", rows.size(),
                                          fmt::join(ids, ", ")));
  }
  if (documents.size() > 1)
    merged.findings.push_back(fmt::format("{} documents in MongoDB added up", documents.size()));
}

// A list that cannot be read is no list that was emptied: preferred, it would cost the other
// store's lines as well.
Prefer believed(const Reading& mariadb, const Reading& mongodb, Prefer prefer, Merged& merged) {
  if (prefer == Prefer::neither) return prefer;
  const bool of_mariadb = prefer == Prefer::mariadb;
  if (!(of_mariadb ? mariadb : mongodb).unreadable) return prefer;
  merged.findings.push_back(fmt::format("{} is not preferred here: its articles cannot be read",
                                        to_string(of_mariadb ? Origin::mariadb : Origin::mongodb)));
  return Prefer::neither;
}

} // namespace

std::optional<std::string> group_key(Origin origin, std::string_view user_id) {
  // MongoDB tells "u " from "u": there a trailing space is a character that the alphabet lacks.
  const auto text = origin == Origin::mariadb ? without_trailing_spaces(user_id) : user_id;
  if (!cart::is_identifier(text)) return std::nullopt;
  std::string key(text);
  std::ranges::transform(key, key.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return key;
}

std::vector<User> split(Group group) {
  std::vector<User> users;
  for (auto& document : group.documents)
    user_of(users, spelled(*document.user_id)).sources.documents.push_back(std::move(document));
  const bool one_user = users.size() < 2;
  for (auto& row : group.rows) {
    const auto spelling = one_user && !users.empty() ? users.front().user : spelled(row.user_id);
    user_of(users, spelling).sources.rows.push_back(std::move(row));
  }
  return users;
}

Merged merge(const User& user, Prefer prefer) {
  Merged merged;
  const auto& [rows, documents] = user.sources;
  auto mariadb = read_all(rows);
  auto mongodb = read_all(documents);
  tell_spellings(user, merged);
  tell_merged(user, merged);
  tell_repeated(mariadb, Origin::mariadb, merged);
  tell_repeated(mongodb, Origin::mongodb, merged);
  if (documents.empty()) {
    merged.findings.emplace_back("only in MariaDB");
    merged.lines = mariadb.lines.in_order();
  } else if (rows.empty()) {
    merged.findings.emplace_back("only in MongoDB");
    merged.lines = mongodb.lines.in_order();
  } else {
    Comparison comparison(mariadb.lines, mongodb.lines, believed(mariadb, mongodb, prefer, merged));
    if (!comparison.differences.empty())
      merged.findings.push_back(
          fmt::format("the stores disagree: {}", fmt::join(comparison.differences, "; ")));
    merged.lines = std::move(comparison.lines);
  }
  merged.aside = std::move(mariadb.aside);
  std::ranges::move(mongodb.aside, std::back_inserter(merged.aside));
  return merged;
}

} // namespace panier::migrate
