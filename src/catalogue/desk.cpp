#include "catalogue/desk.hpp"

namespace panier::catalogue {

namespace {

using State = Finding::State;

constexpr std::size_t states = static_cast<std::size_t>(State::late) + 1;

std::string_view name_of(State state) {
  switch (state) {
  case State::fresh: return "fresh";
  case State::stale: return "stale";
  case State::not_found: return "not_found";
  case State::invalid: return "invalid";
  case State::unavailable: return "unavailable";
  case State::late: return "late";
  }
  return "unavailable";
}

// "." and ".." would not ask for an article but for another address; "health" is one. No article
// can be called so.
bool can_be_asked(std::string_view article) {
  return article != "." && article != ".." && article != "health";
}

} // namespace

bool Desk::ask(Order order) {
  auto waiting = std::make_shared<Waiting>();
  waiting->answer = std::move(order.answer);
  waiting->findings.resize(order.articles.size());
  waiting->there.resize(order.articles.size(), true);
  std::vector<WaitingPtr> due;
  bool more_flights = false;
  {
    std::lock_guard lock(mutex_);
    const auto flights_before = flights_.size();
    const auto now = clock_.steady();
    const bool may_wait = !closed_ && order.until > now && orders_.size() < orders_max;
    for (std::size_t i = 0; i < order.articles.size(); ++i) {
      const auto& article = order.articles[i];
      auto& finding = waiting->findings[i];
      if (!can_be_asked(article)) {
        finding.state = State::not_found;
        continue;
      }
      auto known = cache_.look_up(article, now, order.fresh_only);
      if (known.finding) {
        finding = *std::move(known.finding);
        if (known.refresh && !closed_ && refreshes_.size() < flights_max)
          (void)fly(article, Purpose::refresh, std::nullopt);
      } else if (may_wait && fly(article, Purpose::wait, Waiter{waiting, i})) {
        waiting->there[i] = false;
        ++waiting->missing;
      }
    }
    if (waiting->missing == 0) {
      finish(waiting, due, State::unavailable);
    } else {
      waiting->place = orders_.emplace(order.until, waiting);
      waiting->listed = true;
    }
    more_flights = flights_.size() != flights_before;
  }
  const bool waits = due.empty();
  answer(due);
  return more_flights || waits;
}

// false: it cannot be asked for, too many are already.
bool Desk::fly(const std::string& article, Purpose purpose, std::optional<Waiter> waiter) {
  auto found = flights_.find(article);
  const bool fresh_flight = found == flights_.end();
  if (fresh_flight) {
    if (flights_.size() >= flights_max) return false;
    found = flights_.emplace(article, Flight{}).first;
  }
  auto& flight = found->second;
  const bool wanted_before = !flight.waiters.empty();
  if (waiter) flight.waiters.push_back(*std::move(waiter));
  if (flight.begun) return true;
  if (purpose == Purpose::wait && !wanted_before)
    wanted_.push_back(article); // overtakes the refresh that it may have been until now
  else if (fresh_flight)
    refreshes_.push_back(article);
  return true;
}

std::optional<Desk::Errand> Desk::next(bool refresh) {
  std::lock_guard lock(mutex_);
  for (auto* queue : {&wanted_, &refreshes_}) {
    const bool refreshing = queue == &refreshes_;
    if (refreshing && !refresh) break;
    while (!queue->empty()) {
      auto article = std::move(queue->front());
      queue->pop_front();
      const auto flight = flights_.find(article);
      if (flight == flights_.end() || flight->second.begun) continue; // begun from the other queue
      flight->second.begun = true;
      return Errand{.article = std::move(article), .refresh = refreshing};
    }
  }
  return std::nullopt;
}

void Desk::landed(const std::string& article, const Verdict& verdict, SteadyTime asked) {
  std::vector<WaitingPtr> due;
  {
    std::lock_guard lock(mutex_);
    const auto finding = cache_.keep(article, verdict, asked, clock_.steady());
    metrics_.article_cache(cache_.size(), cache_.bytes());
    auto flight = flights_.extract(article);
    if (flight.empty()) return;
    for (auto& waiter : flight.mapped().waiters) {
      auto& order = *waiter.order;
      if (order.answered) continue;
      order.findings[waiter.index] = finding;
      order.there[waiter.index] = true;
      if (--order.missing == 0) finish(waiter.order, due, State::unavailable);
    }
  }
  answer(due);
}

void Desk::expire() {
  std::vector<WaitingPtr> due;
  {
    std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    while (!orders_.empty() && orders_.begin()->first <= now)
      finish(WaitingPtr(orders_.begin()->second), due, State::late);
  }
  answer(due);
}

SteadyTime Desk::next_due() const {
  std::lock_guard lock(mutex_);
  return orders_.empty() ? SteadyTime::max() : orders_.begin()->first;
}

void Desk::close() {
  std::vector<WaitingPtr> due;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    while (!orders_.empty())
      finish(WaitingPtr(orders_.begin()->second), due, State::unavailable);
    flights_.clear();
    wanted_.clear();
    refreshes_.clear();
  }
  answer(due);
}

// Takes it off the list, if it is there; what is missing is told as `rest`.
void Desk::finish(const WaitingPtr& order, std::vector<WaitingPtr>& due, State rest) {
  if (order->listed) orders_.erase(order->place);
  order->listed = false;
  order->answered = true;
  std::array<std::size_t, states> told{};
  for (std::size_t i = 0; i < order->findings.size(); ++i) {
    if (!order->there[i]) order->findings[i].state = rest;
    ++told[static_cast<std::size_t>(order->findings[i].state)];
  }
  for (std::size_t i = 0; i < states; ++i)
    if (told[i] > 0) metrics_.article_lines(name_of(State(i)), told[i]);
  due.push_back(order);
}

void Desk::answer(std::vector<WaitingPtr>& due) {
  for (auto& order : due)
    order->answer(std::move(order->findings));
}

} // namespace panier::catalogue
