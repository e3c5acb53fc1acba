#include "catalogue/journey.hpp"

#include <bit>

namespace panier::catalogue {

namespace {

using Kind = Verdict::Kind;

// About the article, so any other URL would say the same.
bool settles(Kind kind) {
  return kind == Kind::found || kind == Kind::gone || kind == Kind::denied || kind == Kind::invalid;
}

} // namespace

std::optional<Journey::Leg> Journey::next(std::span<const Breaker> breakers, Breaker::Time now) {
  std::optional<std::size_t> first;
  int left = 0;
  for (std::size_t i = 0; i < breakers.size(); ++i) {
    if ((asked_ >> i & 1U) != 0 || !breakers[i].usable()) continue;
    if (!first) first = i;
    ++left;
  }
  const auto time = std::chrono::floor<std::chrono::milliseconds>(until_ - now);
  if (!first || time.count() <= 0) return std::nullopt;
  asked_ |= 1U << *first;
  return Leg{.source = *first, .timeout = std::max(time / left, std::chrono::milliseconds{1})};
}

bool Journey::came_back(Verdict verdict) {
  if (settles(verdict.kind)) {
    verdict_ = std::move(verdict);
    return true;
  }
  // Nonsense from one URL and silence from another: the silence is the reason to try again later.
  const bool first = std::popcount(asked_) == 1;
  if (first || verdict.kind != Kind::malformed || verdict_.kind == Kind::malformed)
    verdict_ = std::move(verdict);
  return false;
}

} // namespace panier::catalogue
