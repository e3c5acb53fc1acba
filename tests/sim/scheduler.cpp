#include "scheduler.hpp"

#include <algorithm>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdlib>

namespace panier::sim {
namespace {

constexpr std::size_t stack_bytes = 128 * 1024;
// How late, at most, an actor runs after it was thawed before its time.
constexpr Time thaw_noticed_within{50'000};

// Stacks are used again by the next run.
boost::context::pooled_fixedsize_stack& stacks() {
  static thread_local boost::context::pooled_fixedsize_stack pool(stack_bytes);
  return pool;
}

} // namespace

Scheduler::~Scheduler() {
  kill_all();
}

void Scheduler::push(Time when, Event event) {
  if (free_.empty()) {
    events_.push_back(std::move(event));
    return push(when, static_cast<std::uint32_t>(events_.size() - 1));
  }
  const auto place = free_.back();
  free_.pop_back();
  events_[place] = std::move(event);
  push(when, place);
}

void Scheduler::push(Time when, std::uint32_t event) {
  const auto time = static_cast<std::uint64_t>(when.count());
  if (++order_ >> order_bits != 0 || time >> order_bits != 0) std::abort(); // not a run any more
  due_.push_back({time << order_bits | order_, event});
  std::push_heap(due_.begin(), due_.end());
}

Scheduler::Event Scheduler::take(std::uint32_t event) {
  free_.push_back(event);
  return std::move(events_[event]);
}

void Scheduler::at(Time when, Group group, std::function<void()> what) {
  push(std::max(when, now_), {group, nullptr, 0, std::move(what)});
}

void Scheduler::spawn(Group group, std::string name, std::function<void()> body) {
  const std::uint64_t luck = seed_ + std::hash<std::string>{}(name) * 31 +
                             static_cast<std::uint64_t>(group) * 0x9e3779b97f4a7c15ULL;
  actors_.push_back(
      std::make_unique<Actor>(Actor{.group = group, .name = std::move(name), .dice = Dice(luck)}));
  auto& actor = *actors_.back();
  actor.self = boost::context::fiber(
      std::allocator_arg, stacks(), [&actor, body = std::move(body)](boost::context::fiber&& main) {
        actor.main = std::move(main);
        body();
        return std::move(actor.main);
      });
  push(now_, {group, &actor, actor.turn});
}

void Scheduler::go_on(Actor& actor) {
  ++actor.turn;
  actor.idle = false;
  current_ = &actor;
  actor.self = std::move(actor.self).resume();
  current_ = nullptr;
}

void Scheduler::switch_out() {
  auto& actor = *current_;
  actor.main = std::move(actor.main).resume();
}

void Scheduler::sleep(Time delay) {
  if (current_ == nullptr) std::abort(); // a dying actor that goes on instead of returning
  push(now_ + delay, {current_->group, current_, current_->turn});
  switch_out();
}

bool Scheduler::rest(Time delay) {
  if (current_ == nullptr) return false;
  auto& actor = *current_;
  actor.resting = true;
  sleep(delay);
  actor.resting = false;
  return !actor.dying;
}

void Scheduler::idle(Time at_most) {
  current_->idle = true;
  (void)rest(at_most); // which rest() is asked again
}

void Scheduler::poke(Group group, Time delay) {
  for (const auto& actor : actors_) {
    if (actor->group == group && actor->idle) push(now_ + delay, {group, actor.get(), actor->turn});
  }
}

void Scheduler::crash() {
  const Group group = current_->group;
  at(now_, 0, [this, group] { on_crash(group); });
  switch_out(); // kill() unwinds from here
  std::abort();
}

void Scheduler::kill(Group group) {
  dead_.insert(group);
  std::vector<std::unique_ptr<Actor>> dying;
  std::erase_if(actors_, [&](auto& actor) {
    if (actor->group != group) return false;
    dying.push_back(std::move(actor));
    return true;
  });
  for (auto& actor : dying) {
    actor->dying = true;
    if (actor->resting) actor->self = std::move(actor->self).resume(); // it returns
    actor->self = {}; // unwinds the stack of any other
  }
  std::erase_if(due_, [&](const Due& due) {
    if (events_[due.event].group != group) return false;
    (void)take(due.event);
    return true;
  });
  std::make_heap(due_.begin(), due_.end());
}

void Scheduler::kill_all() {
  std::set<Group> groups;
  for (const auto& actor : actors_)
    groups.insert(actor->group);
  for (const auto group : groups)
    kill(group);
}

void Scheduler::freeze(Group group, Time until) {
  frozen_.push_back({group, until});
}

bool Scheduler::is_frozen(Group group) const {
  return std::ranges::any_of(
      frozen_, [&](const Frozen& one) { return one.group == group && one.until > now_; });
}

void Scheduler::thaw() {
  for (auto& frozen : frozen_)
    frozen.until = std::min(frozen.until, now_);
}

void Scheduler::run(Time until, const std::function<bool()>& done) {
  while (!due_.empty() && due_.front().when() <= until && !(done && done())) {
    std::pop_heap(due_.begin(), due_.end());
    const Due due = due_.back();
    due_.pop_back();
    now_ = std::max(now_, due.when());
    const auto frozen = std::ranges::find_if(frozen_, [&](const Frozen& one) {
      return one.group == events_[due.event].group && one.until > now_;
    });
    if (frozen != frozen_.end()) {
      // Not at once to its end: it may be thawed earlier.
      push(std::min(frozen->until, now_ + thaw_noticed_within), due.event);
      continue;
    }
    const Event event = take(due.event);
    if (event.actor) {
      if (event.turn == event.actor->turn) go_on(*event.actor);
    } else if (!dead_.contains(event.group)) {
      event.what();
    }
  }
  if (due_.empty() || due_.front().when() > until) now_ = std::max(now_, until);
}

} // namespace panier::sim
