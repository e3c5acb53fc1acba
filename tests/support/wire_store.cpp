#include "support/wire_store.hpp"

#include <algorithm>
#include <cstring>

namespace panier::support::wire {
namespace {

constexpr int duplicate_key = 11000;

std::optional<std::string> user_of(const std::string& document) {
  const View view(document);
  const auto at = field(view.get(), "user_id");
  if (!at || !BSON_ITER_HOLDS_UTF8(&*at)) return std::nullopt;
  return bson_iter_utf8(&*at, nullptr);
}

std::string id_of(const std::string& document) {
  const View view(document);
  const auto at = field(view.get(), "_id");
  return at ? value_key(*at) : std::string{};
}

// {user_id: 1} alone, or nothing.
bool sorts_by_user(const bson_t* sort) {
  bson_iter_t at;
  if (sort == nullptr || !bson_iter_init(&at, sort) || !bson_iter_next(&at)) return false;
  const bool ascending = bson_iter_as_int64(&at) > 0;
  return ascending && std::strcmp(bson_iter_key(&at), "user_id") == 0 && !bson_iter_next(&at);
}

// Numbers of all types are one kind. MongoDB has an order of its own between kinds; no test asks.
int kind(const bson_iter_t& at) {
  return BSON_ITER_HOLDS_NUMBER(&at) ? BSON_TYPE_DOUBLE : bson_iter_type(&at);
}

bool before(const std::string& left, const std::string& right, const bson_t* sort) {
  const View a(left), b(right);
  bson_iter_t key;
  bson_iter_init(&key, sort);
  while (bson_iter_next(&key)) {
    const auto x = field(a.get(), bson_iter_key(&key));
    const auto y = field(b.get(), bson_iter_key(&key));
    if (!x || !y) {
      if (x.has_value() != y.has_value()) return y.has_value();
      continue;
    }
    const int order = compare(*x, *y).value_or(kind(*x) < kind(*y) ? -1 : 1) *
                      (bson_iter_as_int64(&key) < 0 ? -1 : 1);
    if (order != 0) return order < 0;
  }
  return false;
}

} // namespace

void Collection::check_unique(const std::string& document, std::optional<Seq> self) const {
  const auto duplicate = [&](const char* index) {
    return WriteError{duplicate_key,
                      "E11000 duplicate key error collection: " + name_ + " index: " + index};
  };
  const auto same_id = by_id_.find(id_of(document));
  if (same_id != by_id_.end() && same_id->second != self) throw duplicate("_id_");
  const auto user = user_of(document);
  if (!unique_user_ || !user) return;
  const auto [first, last] = by_user_.equal_range(*user);
  for (auto at = first; at != last; ++at)
    if (at->second != self) throw duplicate("user_id_1");
}

void Collection::add(std::string document) {
  const Seq seq = next_++;
  by_id_.emplace(id_of(document), seq);
  if (auto user = user_of(document)) by_user_.emplace(std::move(*user), seq);
  documents_.emplace(seq, std::move(document));
}

void Collection::replace(Seq seq, std::string document) {
  std::string& old = documents_.at(seq);
  if (user_of(old) == user_of(document) && id_of(old) == id_of(document)) {
    old = std::move(document);
    return;
  }
  erase(seq);
  add(std::move(document));
}

void Collection::erase(Seq seq) {
  const std::string& document = documents_.at(seq);
  by_id_.erase(id_of(document));
  if (const auto user = user_of(document)) {
    const auto [first, last] = by_user_.equal_range(*user);
    by_user_.erase(
        std::find_if(first, last, [seq](const auto& entry) { return entry.second == seq; }));
  }
  documents_.erase(seq);
}

void Collection::insert(std::string document) {
  if (!field(View(document).get(), "_id")) {
    Doc empty;
    document = upserted(empty.get(), View(document).get());
  }
  check_unique(document, std::nullopt);
  add(std::move(document));
}

Collection::Updated Collection::update(const bson_t* query, const bson_t* change, bool multi,
                                       bool upsert) {
  const Ids found = matching(query, false, multi ? 0 : 1);
  if (found.empty()) {
    if (!upsert) return {};
    std::string document = upserted(query, change);
    check_unique(document, std::nullopt);
    add(document);
    return {.matched = 0, .upserted = std::move(document)};
  }
  for (const Seq seq : found) {
    std::string document = updated(View(documents_.at(seq)).get(), change);
    check_unique(document, seq);
    replace(seq, std::move(document));
  }
  return {.matched = std::ssize(found), .upserted = std::nullopt};
}

std::int64_t Collection::remove(const bson_t* query, std::int64_t limit) {
  const Ids found = matching(query, false, limit);
  for (const Seq seq : found)
    erase(seq);
  return std::ssize(found);
}

Collection::Ids Collection::candidates(const bson_t* filter, bool by_user) const {
  Ids found;
  const auto id = field(filter, "_id");
  if (id && embedded(*id).empty()) {
    const auto at = by_id_.find(value_key(*id));
    if (at != by_id_.end()) found.push_back(at->second);
    return found;
  }
  const auto take = [&](auto first, auto last) {
    for (auto at = first; at != last; ++at)
      found.push_back(at->second);
  };
  const auto user = field(filter, "user_id");
  if (user && BSON_ITER_HOLDS_UTF8(&*user)) {
    const auto [first, last] =
        by_user_.equal_range(std::string_view(bson_iter_utf8(&*user, nullptr)));
    take(first, last);
    return found;
  }
  const std::string_view condition = user ? embedded(*user) : std::string_view{};
  if (!condition.empty()) {
    const View operators(condition);
    if (const auto in = field(operators.get(), "$in")) {
      std::vector<std::string> users;
      bson_iter_t at;
      if (bson_iter_recurse(&*in, &at))
        while (bson_iter_next(&at))
          if (BSON_ITER_HOLDS_UTF8(&at)) users.emplace_back(bson_iter_utf8(&at, nullptr));
      std::ranges::sort(users);
      users.erase(std::unique(users.begin(), users.end()), users.end());
      for (const auto& one : users) {
        const auto [first, last] = by_user_.equal_range(one);
        take(first, last);
      }
      return found;
    }
    const auto greater = field(operators.get(), "$gt");
    if (greater && BSON_ITER_HOLDS_UTF8(&*greater)) {
      take(by_user_.upper_bound(std::string_view(bson_iter_utf8(&*greater, nullptr))),
           by_user_.end());
      return found;
    }
  }
  if (by_user && by_user_.size() == documents_.size()) {
    take(by_user_.begin(), by_user_.end());
    return found;
  }
  for (const auto& [seq, document] : documents_)
    found.push_back(seq);
  return found;
}

Collection::Ids Collection::matching(const bson_t* filter, bool by_user, std::int64_t limit) const {
  Ids found = candidates(filter, by_user);
  Ids kept;
  for (const Seq seq : found) {
    if (!matches(View(documents_.at(seq)).get(), filter)) continue;
    kept.push_back(seq);
    if (limit > 0 && std::ssize(kept) == limit) break;
  }
  return kept;
}

std::vector<std::string> Collection::find(const bson_t* filter, const bson_t* sort,
                                          std::int64_t skip, std::int64_t limit) const {
  const bool by_user = sorts_by_user(sort);
  const bool any_order = sort == nullptr || bson_empty(sort);
  // Only texts come in order out of the index; a filter that lets others through is sorted below.
  const bool few = any_order || (by_user && by_user_.size() == documents_.size());
  std::vector<std::string> found;
  for (const Seq seq : matching(filter, by_user, few && limit > 0 ? skip + limit : 0))
    found.push_back(documents_.at(seq));
  if (!any_order && !few)
    std::ranges::sort(found, [sort](const auto& a, const auto& b) { return before(a, b, sort); });
  found.erase(found.begin(), found.begin() + std::min<std::ptrdiff_t>(skip, std::ssize(found)));
  if (limit > 0 && std::ssize(found) > limit) found.resize(static_cast<std::size_t>(limit));
  return found;
}

void Collection::create_user_index(bool unique) {
  if (unique) {
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::adjacent_find(by_user_.begin(), by_user_.end(), same) != by_user_.end())
      throw WriteError{duplicate_key,
                       "E11000 duplicate key error collection: " + name_ + " index: user_id_1"};
  }
  user_index_ = true;
  unique_user_ = unique_user_ || unique;
}

} // namespace panier::support::wire
