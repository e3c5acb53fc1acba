// Where carts ask for their articles: answers from the cache, and sees to it that an article is
// asked for once at a time however many carts want it. Knows no wire: one thread (catalogue.hpp)
// takes from here what is to be asked and brings back what came of it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "catalogue/articles.hpp"
#include "runtime/metrics.hpp"

namespace panier::catalogue {

class Desk {
public:
  // Beyond these an order is answered at once, with `unavailable` for what is not in the cache.
  static constexpr std::size_t orders_max = 16'384;  // that wait
  static constexpr std::size_t flights_max = 16'384; // articles asked for, or about to be

  Desk(Cache::Settings settings, const runtime::Clock& clock, runtime::Metrics& metrics)
      : clock_(clock), metrics_(metrics), cache_(settings) {}
  ~Desk() { close(); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // true: there is something new to ask for, or a new deadline to keep: wake the thread.
  bool ask(Order order);

  // --- the asking thread ---
  // Carts that wait for it come before refreshing; of the latter none is begun where
  // `refresh` is false. nullopt: nothing to ask for.
  struct Errand {
    std::string article;
    bool refresh = false;
  };
  [[nodiscard]] std::optional<Errand> next(bool refresh);
  void landed(const std::string& article, const Verdict& verdict, SteadyTime asked);
  // Answers the orders whose time is up.
  void expire();
  // When expire() has something to do; SteadyTime::max(): nobody waits.
  [[nodiscard]] SteadyTime next_due() const;
  // Answers all that wait; from now on ask() answers at once, from the cache.
  void close();

private:
  struct Waiting {
    std::vector<Finding> findings;
    std::vector<bool> there;
    std::size_t missing = 0;
    Answer answer;
    std::multimap<SteadyTime, std::shared_ptr<Waiting>>::iterator place{}; // where `listed`
    bool listed = false;
    bool answered = false;
  };
  using WaitingPtr = std::shared_ptr<Waiting>;
  struct Waiter {
    WaitingPtr order;
    std::size_t index;
  };
  struct Flight {
    bool begun = false;
    std::vector<Waiter> waiters; // none: a refresh
  };
  enum class Purpose : std::uint8_t { wait, refresh };

  // All REQUIRE mutex_.
  [[nodiscard]] bool fly(const std::string& article, Purpose purpose, std::optional<Waiter> waiter);
  void finish(const WaitingPtr& order, std::vector<WaitingPtr>& due, Finding::State rest);
  // REQUIRES that mutex_ is not held.
  static void answer(std::vector<WaitingPtr>& due);

  const runtime::Clock& clock_;
  runtime::Metrics& metrics_;

  mutable std::mutex mutex_;
  // guarded by mutex_
  Cache cache_;
  std::unordered_map<std::string, Flight> flights_;
  std::deque<std::string> wanted_;    // not begun, somebody waits; an article may stand in both
  std::deque<std::string> refreshes_; // not begun
  std::multimap<SteadyTime, WaitingPtr> orders_; // that wait, by their deadline
  bool closed_ = false;
};

} // namespace panier::catalogue
