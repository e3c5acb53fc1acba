// How the service asks for articles: many at once, answered once, within a deadline, never
// blocking.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "catalogue/cache.hpp"

namespace panier::catalogue {

// Called exactly once, on any thread, also before ask() returns; must not block. One finding for
// each article that was asked for, in that order.
using Answer = std::move_only_function<void(std::vector<Finding>)>;

struct Order {
  std::vector<std::string> articles; // each once; the ids of lines
  bool fresh_only = false;           // stock is judged by it: a stale article does not do
  SteadyTime until{};                // answered by then, with `late` for what is still missing
  Answer answer;
};

class Articles {
public:
  virtual ~Articles() = default;
  virtual void ask(Order order) = 0;
  // PANIER_ARTICLE_TIMEOUT_MS: how long an order may usefully wait.
  [[nodiscard]] virtual std::chrono::milliseconds timeout() const = 0;
};

} // namespace panier::catalogue
