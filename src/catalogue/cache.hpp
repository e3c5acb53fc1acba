// What is known of articles and since when: a bounded map, the least recently used go first. Pure:
// no clock, no lock, no I/O; time is an argument.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "catalogue/article.hpp"
#include "runtime/clock.hpp"

namespace panier::catalogue {

using runtime::SteadyTime;

// What is told of one article.
struct Finding {
  enum class State : std::uint8_t {
    fresh,       // at most PANIER_ARTICLE_FRESH_S old
    stale,       // older, at most PANIER_ARTICLE_STALE_S
    not_found,   // the articles service does not know it
    invalid,     // what it says of it is no article
    unavailable, // it does not answer
    late,        // it has not answered yet, and whoever asks can wait no longer
  };
  State state = State::unavailable;
  ArticlePtr article{};       // fresh, stale
  std::chrono::seconds age{}; // of the article
};

class Cache {
public:
  struct Settings {
    std::chrono::seconds fresh{30};
    std::chrono::seconds stale{3'600};
    std::size_t bytes_max = std::size_t{64} * 1024 * 1024;
  };
  // How long a "no" is believed, and how long an article that could not be had is left in peace: a
  // crowd that wants it must not become a crowd at the articles service.
  static constexpr std::chrono::seconds no_age_max{5};
  static constexpr std::chrono::seconds retry_pause{1};

  explicit Cache(Settings settings) : settings_(settings) {}

  struct Known {
    std::optional<Finding> finding; // nullopt: must be asked for
    bool refresh = false;           // there is a finding, and asking again would better it
  };
  // `fresh_only`: a stale article does not do.
  [[nodiscard]] Known look_up(const std::string& id, SteadyTime now, bool fresh_only);

  // What came of asking at `asked`: the age of an article counts from there. Returns what those who
  // waited for it are told.
  [[nodiscard]] Finding keep(const std::string& id, const Verdict& verdict, SteadyTime asked,
                             SteadyTime now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
  struct Entry {
    ArticlePtr article{};
    SteadyTime asked{}; // of the article
    // What the last asking came to, if not the article, and until when that is not asked again.
    std::optional<Finding::State> trouble{};
    SteadyTime trouble_until{};
    std::size_t bytes = 0;
    std::list<std::string>::iterator used{};
  };
  [[nodiscard]] Finding finding_of(const Entry& entry, SteadyTime now) const;
  void measure(const std::string& id, Entry& entry);
  void make_room();

  const Settings settings_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> order_; // the most recently used first
  std::size_t bytes_ = 0;
};

} // namespace panier::catalogue
