// One article's way through the URLs of the articles service: which is asked next, for how long,
// and what it all came to. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "catalogue/article.hpp"
#include "catalogue/breaker.hpp"

namespace panier::catalogue {

class Journey {
public:
  static constexpr std::size_t sources_max = 4; // URL_ARTICLE_*

  // `until`: the total deadline, however many URLs are asked.
  Journey(Breaker::Time started, Breaker::Time until) : started_(started), until_(until) {}

  struct Leg {
    std::size_t source;
    std::chrono::milliseconds timeout; // a fair share of what is left
  };
  // The first URL in use that was not asked yet. nullopt: there is none, or no time: the journey
  // ends, verdict() tells with what.
  [[nodiscard]] std::optional<Leg> next(std::span<const Breaker> breakers, Breaker::Time now);

  // What the leg came to. true: that settles it, no other URL is asked.
  [[nodiscard]] bool came_back(Verdict verdict);

  [[nodiscard]] const Verdict& verdict() const { return verdict_; }
  [[nodiscard]] Breaker::Time started() const { return started_; }

private:
  Breaker::Time started_;
  Breaker::Time until_;
  std::uint32_t asked_ = 0; // a bit a source
  Verdict verdict_{.kind = Verdict::Kind::unreachable, .article = nullptr, .why = "no URL in use"};
};

} // namespace panier::catalogue
