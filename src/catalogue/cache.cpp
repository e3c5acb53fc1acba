#include "catalogue/cache.hpp"

namespace panier::catalogue {

namespace {

using State = Finding::State;
using Kind = Verdict::Kind;

// A map's node, a list's node, the article's own object: so that a million "no" count as well.
constexpr std::size_t entry_bytes = 256;

State trouble_of(Kind kind) {
  switch (kind) {
  case Kind::gone:
  case Kind::denied: return State::not_found;
  case Kind::invalid:
  case Kind::malformed: return State::invalid;
  case Kind::found:
  case Kind::failing:
  case Kind::unreachable: break;
  }
  return State::unavailable;
}

} // namespace

Cache::Known Cache::look_up(const std::string& id, SteadyTime now, bool fresh_only) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return {};
  auto& entry = found->second;
  order_.splice(order_.begin(), order_, entry.used);
  const bool may_ask = !entry.trouble || now >= entry.trouble_until;
  if (entry.article) {
    auto finding = finding_of(entry, now);
    if (finding.state == State::fresh) return {.finding = std::move(finding), .refresh = false};
    const bool usable = now - entry.asked <= settings_.stale && !fresh_only;
    if (usable) return {.finding = std::move(finding), .refresh = may_ask};
  }
  if (may_ask) return {};
  return {.finding = Finding{.state = *entry.trouble, .article = nullptr, .age = {}},
          .refresh = false};
}

Finding Cache::keep(const std::string& id, const Verdict& verdict, SteadyTime asked,
                    SteadyTime now) {
  const auto [place, fresh_entry] = entries_.try_emplace(id);
  auto& entry = place->second;
  if (fresh_entry) {
    order_.push_front(id);
    entry.used = order_.begin();
  }
  if (verdict.kind == Kind::found) {
    entry.article = verdict.article;
    entry.asked = asked;
    entry.trouble.reset();
  } else {
    entry.trouble = trouble_of(verdict.kind);
    const bool known_no = entry.trouble != State::unavailable;
    entry.trouble_until = now + (known_no ? std::min(no_age_max, settings_.fresh)
                                          : std::min(retry_pause, settings_.fresh));
    // Only these are certain; "error: true" and nonsense may be the service's own trouble, and then
    // what was known before is better than nothing until it is too old.
    if (verdict.kind == Kind::gone || verdict.kind == Kind::invalid) entry.article.reset();
  }
  measure(id, entry);
  auto told = verdict.kind == Kind::found
                  ? finding_of(entry, now)
                  : Finding{.state = *entry.trouble, .article = nullptr, .age = {}};
  make_room();
  return told;
}

Finding Cache::finding_of(const Entry& entry, SteadyTime now) const {
  const auto age = now - entry.asked;
  return {.state = age <= settings_.fresh ? State::fresh : State::stale,
          .article = entry.article,
          .age = std::chrono::floor<std::chrono::seconds>(age)};
}

void Cache::measure(const std::string& id, Entry& entry) {
  bytes_ -= entry.bytes;
  entry.bytes = entry_bytes + 2 * id.size() + (entry.article ? entry.article->members.size() : 0);
  bytes_ += entry.bytes;
}

void Cache::make_room() {
  while (bytes_ > settings_.bytes_max && !order_.empty()) {
    const auto oldest = entries_.find(order_.back());
    bytes_ -= oldest->second.bytes;
    entries_.erase(oldest);
    order_.pop_back();
  }
}

} // namespace panier::catalogue
