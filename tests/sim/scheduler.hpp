// Simulated time, and actors that are written as plain blocking code: each is a fiber that lets
// others run whenever it sleeps. One thread; the order is the order of the times.
#pragma once

#include <boost/context/fiber.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dice.hpp"

namespace panier::sim {

using Time = std::chrono::microseconds; // since the start of the run

class Scheduler {
public:
  // What dies and freezes together: the actors of one process. 0: the world, which does neither.
  using Group = int;

  explicit Scheduler(std::uint64_t seed) : seed_(seed) {}
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  [[nodiscard]] Time now() const { return now_; }
  // Calls `what` then, on no actor's stack; not if the group has died.
  void at(Time when, Group group, std::function<void()> what);
  void after(Time delay, Group group, std::function<void()> what) {
    at(now_ + delay, group, std::move(what));
  }
  // An actor: `body` runs on a stack of its own, from now on.
  void spawn(Group group, std::string name, std::function<void()> body);

  // --- for actors ---
  struct Actor {
    Group group = 0;
    std::string name;
    Dice dice;               // its own, so that leaving out one fault changes no other actor's luck
    std::uint32_t calls = 0; // of the stores, so far
    Time silence{0};         // how long the answer to its call will take
    bool idle = false;
    bool resting = false;   // where it holds nothing that an unwinding would have to give back
    bool dying = false;     // it is to return
    std::uint64_t turn = 0; // raised whenever it goes on: of two events for one turn one counts
    boost::context::fiber self{}; // while it sleeps
    boost::context::fiber main{}; // while it runs
  };
  // The one that runs; nullptr: the world does.
  [[nodiscard]] Actor* self() const { return current_; }
  void sleep(Time delay);
  // Between two steps. false: its group was killed meanwhile, the actor's body returns (which takes
  // a tenth of the time of unwinding it).
  [[nodiscard]] bool rest(Time delay);
  // The end of a step: a sleep that poke() ends, and kill() too. Nothing but rest() follows.
  void idle(Time at_most);
  // The actor's whole group dies here and now: this does not return.
  [[noreturn]] void crash();
  // Called when a group crashes, on no actor's stack; must kill() it.
  std::function<void(Group)> on_crash;

  // --- for the world ---
  // Idle actors of the group go on after `delay`.
  void poke(Group group, Time delay);
  // Ends all actors of the group, wherever they are, and drops its events.
  void kill(Group group);
  void kill_all();
  // Nothing of the group runs before `until`.
  void freeze(Group group, Time until);
  [[nodiscard]] bool is_frozen(Group group) const;
  void thaw(); // all
  // Runs until `done` says so, the time is over or nothing is left to do.
  void run(Time until, const std::function<bool()>& done = {});

private:
  struct Event {
    Group group;
    Actor* actor; // to go on
    std::uint64_t turn = 0;
    std::function<void()> what{}; // or to call
  };
  // What the heap moves about, so it is small and compared at once.
  struct Due {
    std::uint64_t key; // the time, and after it the order: of two at one time the older goes first
    std::uint32_t event; // its place in events_
    [[nodiscard]] Time when() const { return Time(static_cast<std::int64_t>(key >> order_bits)); }
    bool operator<(const Due& other) const { return key > other.key; }
  };
  static constexpr unsigned order_bits = 32; // events of a run; as many are left for its time
  struct Frozen {
    Group group;
    Time until;
  };
  void push(Time when, Event event);
  void push(Time when, std::uint32_t event);
  Event take(std::uint32_t event);
  void go_on(Actor& actor);
  void switch_out();

  const std::uint64_t seed_;
  Time now_{0};
  std::uint64_t order_ = 0;
  std::vector<Due> due_; // a heap
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_; // places in events_
  std::vector<std::unique_ptr<Actor>> actors_;
  Actor* current_ = nullptr;
  std::set<Group> dead_;
  std::vector<Frozen> frozen_;
};

} // namespace panier::sim
