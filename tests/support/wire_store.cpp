#include "support/wire_store.hpp"

#include <algorithm>
#include <cstring>

namespace panier::support::wire {
namespace {

constexpr int duplicate_key = 11000;

std::optional<std::string> user_of(const bson_t* document) {
  const auto at = field(document, "user_id");
  if (!at || !BSON_ITER_HOLDS_UTF8(&*at)) return std::nullopt;
  return bson_iter_utf8(&*at, nullptr);
}

std::string id_of(const bson_t* document) {
  const auto at = field(document, "_id");
  return at ? value_key(*at) : std::string{};
}

// Neither index has to look at a document that keeps both.
bool keeps_identity(const bson_t* change) {
  bson_iter_t at;
  bson_iter_init(&at, change);
  while (bson_iter_next(&at)) {
    const std::string_view name = bson_iter_key(&at);
    if (name == "$setOnInsert") continue;
    if (name != "$set" && name != "$unset") return false;
    const View fields(embedded(at));
    if (field(fields.get(), "_id") || field(fields.get(), "user_id")) return false;
  }
  return true;
}

// The texts of an array, in order, each once.
std::vector<std::string_view> texts_of(const bson_iter_t& array) {
  std::vector<std::string_view> texts;
  bson_iter_t at;
  if (bson_iter_recurse(&array, &at))
    while (bson_iter_next(&at))
      if (BSON_ITER_HOLDS_UTF8(&at)) texts.emplace_back(bson_iter_utf8(&at, nullptr));
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
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

void Collection::check_unique(const Document& document, const Entry* self) const {
  const auto duplicate = [&](const char* index) {
    return WriteError{duplicate_key,
                      "E11000 duplicate key error collection: " + name_ + " index: " + index};
  };
  const auto same_id = by_id_.find(document.id);
  if (same_id != by_id_.end() && same_id->second != self) throw duplicate("_id_");
  if (!unique_user_ || !document.user) return;
  for (const Entry* other : of_user(*document.user))
    if (other != self) throw duplicate("user_id_1");
}

std::span<const Collection::Entry* const> Collection::of_user(std::string_view user) const {
  const auto at = of_user_.find(user);
  if (at == of_user_.end()) return {};
  return {at->second.data(), at->second.size()};
}

void Collection::add(std::string bytes) {
  const View view(bytes);
  Document document{.bytes = {}, .id = id_of(view.get()), .user = user_of(view.get())};
  check_unique(document, nullptr);
  document.bytes = std::move(bytes);
  const Entry& entry = *documents_.emplace_hint(documents_.end(), next_++, std::move(document));
  by_id_.emplace(entry.second.id, &entry);
  if (!entry.second.user) return;
  by_user_.emplace(*entry.second.user, &entry);
  of_user_[*entry.second.user].push_back(&entry);
}

void Collection::replace(const Entry& entry, std::string bytes) {
  const View view(bytes);
  const Document next{.bytes = {}, .id = id_of(view.get()), .user = user_of(view.get())};
  check_unique(next, &entry);
  if (next.id == entry.second.id && next.user == entry.second.user) {
    entry.second.bytes = std::move(bytes);
    return;
  }
  erase(entry);
  add(std::move(bytes));
}

void Collection::erase(const Entry& entry) {
  by_id_.erase(entry.second.id);
  if (entry.second.user) {
    const auto [first, last] = by_user_.equal_range(*entry.second.user);
    by_user_.erase(
        std::find_if(first, last, [&](const auto& one) { return one.second == &entry; }));
    const auto group = of_user_.find(*entry.second.user);
    Namesakes left = std::move(group->second);
    of_user_.erase(group);
    left.erase(std::ranges::find(left, &entry));
    if (!left.empty()) of_user_.emplace(*left.front()->second.user, std::move(left));
  }
  documents_.erase(entry.first);
}

void Collection::insert(std::string document) {
  if (!field(View(document).get(), "_id")) {
    Doc empty;
    document = upserted(empty.get(), View(document).get());
  }
  add(std::move(document));
}

Collection::Updated Collection::update(const bson_t* query, const bson_t* change, bool multi,
                                       bool upsert) {
  const Entries found = matching(query, false, multi ? 0 : 1);
  if (found.empty()) {
    if (!upsert) return {};
    std::string document = upserted(query, change);
    add(document);
    return {.matched = 0, .upserted = std::move(document)};
  }
  const bool in_place = keeps_identity(change);
  for (const Entry* entry : found) {
    std::string document = updated(View(entry->second.bytes).get(), change);
    if (in_place)
      entry->second.bytes = std::move(document);
    else
      replace(*entry, std::move(document));
  }
  return {.matched = std::ssize(found), .upserted = std::nullopt};
}

std::int64_t Collection::remove(const bson_t* query, std::int64_t limit) {
  const Entries found = matching(query, false, limit);
  for (const Entry* entry : found)
    erase(*entry);
  return std::ssize(found);
}

void Collection::each_candidate(const bson_t* filter, bool by_user, const Visit& visit) const {
  const auto id = field(filter, "_id");
  if (id && embedded(*id).empty()) {
    const auto at = by_id_.find(value_key(*id));
    if (at != by_id_.end()) visit(*at->second);
    return;
  }
  const auto all = [&](auto first, auto last) {
    while (first != last && visit(*first->second))
      ++first;
    return first == last;
  };
  const auto all_of = [&](std::string_view user) {
    return std::ranges::all_of(of_user(user), [&](const Entry* entry) { return visit(*entry); });
  };
  const auto user = field(filter, "user_id");
  if (user && BSON_ITER_HOLDS_UTF8(&*user)) {
    all_of(bson_iter_utf8(&*user, nullptr));
    return;
  }
  const std::string_view condition = user ? embedded(*user) : std::string_view{};
  if (!condition.empty()) {
    const View operators(condition);
    if (const auto in = field(operators.get(), "$in")) {
      std::ranges::all_of(texts_of(*in), all_of);
      return;
    }
    const auto greater = field(operators.get(), "$gt");
    if (greater && BSON_ITER_HOLDS_UTF8(&*greater)) {
      all(by_user_.upper_bound(bson_iter_utf8(&*greater, nullptr)), by_user_.end());
      return;
    }
  }
  if (by_user && by_user_.size() == documents_.size()) {
    all(by_user_.begin(), by_user_.end());
    return;
  }
  std::ranges::all_of(documents_, visit);
}

Collection::Entries Collection::matching(const bson_t* filter, bool by_user,
                                         std::int64_t limit) const {
  Entries kept;
  each_candidate(filter, by_user, [&](const Entry& entry) {
    if (matches(View(entry.second.bytes).get(), filter)) kept.push_back(&entry);
    return limit <= 0 || std::ssize(kept) < limit;
  });
  return kept;
}

std::vector<std::string> Collection::find(const bson_t* filter, const bson_t* sort,
                                          std::int64_t skip, std::int64_t limit) const {
  const bool by_user = sorts_by_user(sort);
  const bool any_order = sort == nullptr || bson_empty(sort);
  // Only texts come in order out of the index; a filter that lets others through is sorted below.
  const bool few = any_order || (by_user && by_user_.size() == documents_.size());
  std::vector<std::string> found;
  for (const Entry* entry : matching(filter, by_user, few && limit > 0 ? skip + limit : 0))
    found.push_back(entry->second.bytes);
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
