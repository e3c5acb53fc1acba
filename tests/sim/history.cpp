#include "history.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace panier::sim {
namespace {

using cart::Version;

// An operation: all calls under one key.
struct Operation {
  const Call* first = nullptr;
  const Call* ok = nullptr;          // the first acknowledgement
  const Call* refused = nullptr;     // a refusal, which rests on a state
  std::vector<const Call*> undone{}; // that may have been reserved and aborted
  Time asked{0};
  Time last_answer{0};
  bool maybe = false; // nobody knows
  bool loose = false; // it spans a restored backup: may show any number of times, or be lost
};

// A state and how long it was there.
struct Window {
  State state;
  std::optional<Version> version;
  Time from{0};
  Time to{0};
  Version next = 0; // of what came after; 0: nothing did
  // An abort may have raised the version on the way to the next one, in the same transaction.
  [[nodiscard]] bool had(Version asked) const {
    return !version || *version == asked || (asked > *version && asked < next);
  }
  [[nodiscard]] bool has_room() const { return version && next > *version + 1; }
};

// The story of one cart.
class Story {
public:
  Story(const std::string& user, const std::vector<Change>& changes,
        std::vector<Operation>& operations)
      : user_(user), changes_(changes), operations_(operations), used_(operations.size(), '\0') {}

  // Several explanations may fit the changes, and only some of them the answers too. The first that
  // fits the changes is found quickly; only where it does not do are all of them looked at.
  std::vector<std::string> violations() {
    start();
    const bool explained = explain(0, {}, 0);
    undecided_ = !explained && ways_ >= ways_max;
    if (undecided_) {
      show_changes();
      return {};
    }
    if (!explained) {
      const auto& change = changes_[furthest_];
      complain("no operation explains version " + std::to_string(change.version) + " at " +
               std::to_string(change.when.count()) + " us: " + to_text(change.state));
      return complaints_; // the rest would rest on nothing
    }
    check_answers();
    if (complaints_.empty()) return {};
    const auto of_the_first = complaints_;
    const auto windows_of_the_first = windows_;
    all_ = true;
    start();
    if (explain(0, {}, 0)) return {};
    windows_ = windows_of_the_first;
    undecided_ = ways_ >= ways_max;
    return undecided_ ? std::vector<std::string>{} : of_the_first;
  }
  // More explanations than can be looked at, and none of those that were fits.
  [[nodiscard]] bool undecided() const { return undecided_; }
  [[nodiscard]] const std::vector<Window>& windows() const { return windows_; }

private:
  void start() {
    windows_.assign(1, {{}, Version{0}, Time{0}, Time::max()});
    std::ranges::fill(used_, '\0');
    ways_ = 0;
  }
  // What was visible and when, whatever led there; that is all that a read can see.
  void show_changes() {
    start();
    for (const auto& change : changes_) {
      windows_.back().to = change.when;
      windows_.push_back({change.state, change.version, change.when, Time::max()});
    }
  }
  void check_answers() {
    complaints_.clear();
    for (std::size_t i = 0; i < operations_.size(); ++i)
      check_acknowledged(operations_[i], used_[i] > 0);
  }
  void complain(const std::string& what) { complaints_.push_back("cart " + user_ + ": " + what); }

  // Acknowledged operations that must be in this change, by version.
  std::vector<std::size_t> required(const Change& change, Version before) const {
    std::vector<std::size_t> in;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const auto& one = operations_[i];
      if (!one.ok || one.loose || !one.ok->outcome.changed) continue;
      const auto version = one.ok->outcome.version;
      if (version > before && version <= change.version && one.asked <= change.when &&
          *one.ok->answered >= change.when)
        in.push_back(i);
    }
    std::ranges::sort(in, {}, [&](std::size_t i) { return operations_[i].ok->outcome.version; });
    return in;
  }

  // Change by change, with every choice of the operations that nobody knows of.
  bool explain(std::size_t index, const State& before, Version version) {
    furthest_ = std::max(furthest_, std::min(index, changes_.size() - 1));
    if (index == changes_.size()) {
      if (!all_) return true;
      check_answers();
      return complaints_.empty();
    }
    const auto& change = changes_[index];
    const auto mark = windows_.size();
    windows_.back().to = change.when;
    windows_.back().next = change.version;
    const auto go_on = [&] {
      const auto inside = windows_.size();
      windows_.push_back({change.state, change.version, change.when, Time::max()});
      if (explain(index + 1, change.state, change.version)) return true;
      windows_.resize(inside);
      return false;
    };
    if (change.restored || change.purged) return go_on();
    const auto in = required(change, version);
    if (fold(change, in, 0, before, version, go_on)) return true;
    windows_.resize(mark);
    windows_.back().to = Time::max();
    return false;
  }

  bool fold(const Change& change, const std::vector<std::size_t>& in, std::size_t next,
            const State& state, std::optional<Version> version,
            const std::function<bool()>& go_on) {
    if (next == in.size() && state == change.state && go_on()) return true;
    if (++ways_ >= ways_max) return false;
    if (!all_ && !tried_.emplace(used_ + std::to_string(change.version) + to_text(state)).second)
      return false;
    if (next < in.size() && used_[in[next]] == 0) {
      const auto& call = *operations_[in[next]].ok;
      State after = state;
      const auto applied = apply(after, version, call.what);
      if (!applied.refused && applied.existed == call.outcome.existed &&
          applied.quantity == call.outcome.quantity.thousandths() &&
          step(change, in, next + 1, in[next], after, call.outcome.version, go_on))
        return true;
    }
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const auto& one = operations_[i];
      const int most = one.loose   ? 2
                       : one.maybe ? 1
                                   : 0; // twice: before a restored backup and after
      if (used_[i] >= most || one.asked > change.when) continue;
      State after = state;
      const auto applied = apply(after, std::nullopt, one.first->what);
      if (applied.refused || !applied.changed) continue;
      if (step(change, in, next, i, after, std::nullopt, go_on)) return true;
    }
    return false;
  }

  bool step(const Change& change, const std::vector<std::size_t>& in, std::size_t next,
            std::size_t taken, const State& after, std::optional<Version> version,
            const std::function<bool()>& go_on) {
    const auto inside = windows_.size();
    ++used_[taken];
    windows_.push_back({after, version, change.when, change.when});
    const bool found = fold(change, in, next, after, version, go_on);
    if (found) return true;
    windows_.resize(inside);
    --used_[taken];
    return false;
  }

  void check_acknowledged(const Operation& one, bool used) {
    if (one.loose) return;
    if (one.ok && one.ok->outcome.changed && !used)
      return complain("acknowledged and lost: " + to_text(*one.ok));
    if (one.ok && !one.ok->outcome.changed && !some_window(one, *one.ok))
      return complain("no state explains what was acknowledged: " + to_text(*one.ok));
    if (one.refused && !one.ok && !some_window(one, *one.refused))
      complain("no state explains the refusal: " + to_text(*one.refused));
  }

  bool some_window(const Operation& one, const Call& call) const {
    return std::ranges::any_of(windows_, [&](const Window& window) {
      if (window.to < one.asked || window.from > *call.answered) return false;
      State state = window.state;
      const auto applied = apply(state, window.version, call.what);
      if (call.told == Call::Told::refused)
        return applied.refused == call.code || (call.code == Errc::precondition_failed &&
                                                window.has_room() && aborted_at(window.to));
      return !applied.refused && !applied.changed &&
             applied.quantity == call.outcome.quantity.thousandths() &&
             applied.existed == call.outcome.existed && window.had(call.outcome.version);
    });
  }

  // Can the transaction that ended this window have aborted a write first?
  bool aborted_at(Time when) const {
    return std::ranges::any_of(operations_, [&](const Operation& one) {
      return std::ranges::any_of(one.undone, [&](const Call* call) {
        return call->asked <= when && call->answered.value_or(Time::max()) >= when;
      });
    });
  }

  static constexpr int ways_max = 200'000; // that one search looks at
  const std::string& user_;
  const std::vector<Change>& changes_;
  std::vector<Operation>& operations_;
  bool all_ = false;
  int ways_ = 0;
  bool undecided_ = false;
  std::string used_;            // how often each operation was, as characters so that it is a key
  std::set<std::string> tried_; // ways that lead nowhere, or to where all is well
  std::vector<Window> windows_;
  std::vector<std::string> complaints_;
  std::size_t furthest_ = 0;
};

bool rests_on_a_state(Errc code) {
  return code == Errc::cart_not_found || code == Errc::precondition_failed;
}

// The operations on one cart, out of its calls.
std::vector<Operation> operations_on(const std::vector<const Call*>& calls,
                                     const std::vector<Change>& changes) {
  std::map<int, Operation> by_number;
  for (const auto* call : calls) {
    if (call->read) continue;
    auto& one = by_number[call->operation];
    if (!one.first) one = {.first = call, .asked = call->asked};
    one.asked = std::min(one.asked, call->asked);
    if (call->told == Call::Told::ok && (!one.ok || *call->answered < *one.ok->answered))
      one.ok = call;
    if (call->told == Call::Told::refused && rests_on_a_state(call->code)) one.refused = call;
    if (call->told == Call::Told::unknown || call->code == Errc::mirror_unavailable ||
        call->code == Errc::internal)
      one.undone.push_back(call);
    if (call->told == Call::Told::unknown) one.maybe = true;
    one.last_answer = std::max(one.last_answer, call->answered.value_or(Time::max()));
  }
  for (auto& [number, one] : by_number) {
    // Its key went with what the backup did not have.
    one.loose = std::ranges::any_of(changes, [&](const Change& change) {
      return change.restored && one.asked < change.when &&
             (one.maybe || one.last_answer >= change.when);
    });
  }
  std::vector<Operation> operations;
  for (auto& [number, one] : by_number) {
    if (one.ok) one.maybe = false;
    operations.push_back(one);
  }
  return operations;
}

std::string us(Time time) {
  return std::to_string(time.count()) + " us";
}

} // namespace

std::string to_text(const Call& call) {
  std::string text = "#" + std::to_string(call.operation) + " ";
  text += call.read ? "read" : cart::to_string(call.what.kind);
  text += " " + call.what.user.text();
  if (call.what.line) text += " " + call.what.line->article_id();
  if (!call.read && call.what.quantity.thousandths() != 0)
    text += " " + call.what.quantity.to_text();
  if (call.what.if_match) text += " (If-Match)";
  text += " asked " + us(call.asked);
  switch (call.told) {
  case Call::Told::nothing: return text + ", not answered";
  case Call::Told::ok:
    if (call.read) {
      text += ", saw " + (call.seen ? to_text(*call.seen) : "the mirror") + " at version " +
              std::to_string(call.seen_version);
    } else {
      text += ", ok at version " + std::to_string(call.outcome.version) + ", quantity " +
              call.outcome.quantity.to_text() + (call.outcome.changed ? "" : ", no change");
    }
    break;
  case Call::Told::refused:
  case Call::Told::failed:
  case Call::Told::unknown: text += ", " + std::string(to_string(call.code)); break;
  }
  return text + (call.answered ? " at " + us(*call.answered) : "");
}

std::vector<std::string> History::violations() {
  std::vector<std::string> found;
  std::map<std::string, std::vector<const Call*>> by_user;
  for (const auto& call : calls) {
    by_user[call.what.user.text()].push_back(&call);
    if (call.answers > 1) found.push_back("answered twice: " + to_text(call));
    if (call.told == Call::Told::nothing)
      found.push_back("never answered: " + to_text(call));
    else if (!call.excused && *call.answered > call.deadline)
      found.push_back("answered after its deadline: " + to_text(call));
  }
  if (!found.empty()) return found;
  static const std::vector<Change> none;
  for (const auto& [user, of_user] : by_user) {
    const auto known = changes.find(user);
    const auto& mine = known == changes.end() ? none : known->second;
    Version highest = 0;
    bool restored = false;
    Time restored_at{0};
    for (const auto& change : mine) {
      restored = restored || change.restored;
      if (change.restored) restored_at = change.when;
      if (change.restored || change.purged || (restored && clock_was_set)) continue;
      // A backup also brings back what was reserved: its lane settles it now, at the version that
      // it was given then, whatever became of it before the backup was restored.
      const bool again =
          restored &&
          (std::ranges::any_of(mine,
                               [&](const Change& other) {
                                 return &other != &change && other.version == change.version &&
                                        other.state == change.state;
                               }) ||
           std::ranges::any_of(of_user, [&](const Call* call) {
             if (call->read || call->asked >= restored_at) return false;
             return call->told == Call::Told::unknown || // nor was its version told
                    (call->told == Call::Told::ok && call->outcome.version == change.version);
           }));
      if (change.version <= highest && !again)
        found.push_back("cart " + user + ": version " + std::to_string(change.version) + " after " +
                        std::to_string(highest));
      highest = std::max(highest, change.version);
    }
    auto operations = operations_on(of_user, mine);
    Story story(user, mine, operations);
    const auto more = story.violations();
    if (story.undecided()) ++undecided;
    found.insert(found.end(), more.begin(), more.end());
    if (!more.empty()) continue;
    for (const auto* call : of_user) {
      // Calls under one key tell the same.
      if (!call->read && call->told == Call::Told::ok) {
        for (const auto* other : of_user) {
          if (other->read || other->operation != call->operation || other->told != call->told)
            continue;
          const bool spans = std::ranges::any_of(operations, [&](const Operation& one) {
            return one.first->operation == call->operation && one.loose;
          });
          if (!spans && other->outcome != call->outcome)
            found.push_back("two answers under one key: " + to_text(*call) + " and " +
                            to_text(*other));
        }
      }
      if (call->read && call->told == Call::Told::refused &&
          std::ranges::none_of(story.windows(), [&](const Window& window) {
            return window.from < window.to && window.to >= call->asked &&
                   window.from <= *call->answered && !window.state.exists;
          }))
        found.push_back("a read missed what was there: " + to_text(*call));
      if (!call->read || call->told != Call::Told::ok || !call->seen) continue;
      const bool was_there = std::ranges::any_of(story.windows(), [&](const Window& window) {
        return window.from < window.to && window.to >= call->asked &&
               window.from <= *call->answered && window.state == *call->seen &&
               (!call->seen->exists || window.version == call->seen_version);
      });
      if (!was_there) found.push_back("a read saw what was not there: " + to_text(*call));
    }
  }
  return found;
}

} // namespace panier::sim
