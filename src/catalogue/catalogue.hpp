// The articles service's client: one thread that asks for what carts want, at whichever URL
// answers, and keeps what it learns. What is decided is decided in the desk, the journeys and the
// breakers; here it is carried out.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "catalogue/articles.hpp"
#include "catalogue/desk.hpp"
#include "catalogue/journey.hpp"
#include "catalogue/wire.hpp"

namespace panier::catalogue {

class Catalogue final : public Articles {
public:
  // All lines of a cart are asked for at once, also those of a large one.
  static constexpr std::size_t requests_at_once_max = 256;
  // The rest is for carts that wait.
  static constexpr std::size_t refreshes_at_once_max = 128;
  static constexpr std::chrono::milliseconds health_timeout{1'000};
  static constexpr std::chrono::milliseconds wait_max{1'000}; // of the thread, with nothing to do

  struct Source {
    std::string name; // of the setting: URL_ARTICLE_DOCKER_1
    std::string url;  // ends in '/'
  };
  struct Settings {
    std::vector<Source> sources;              // 1 to Journey::sources_max, the first choice first
    std::chrono::milliseconds timeout{2'000}; // of an article, however many URLs are asked
    Cache::Settings cache;
  };

  // The clock and the metrics outlive it.
  Catalogue(Settings settings, const runtime::Clock& clock, runtime::Metrics& metrics,
            std::unique_ptr<Wire> wire);
  ~Catalogue() override;

  void start();
  // Answers all that wait; afterwards orders are answered at once, from the cache.
  void stop();

  void ask(Order order) override;
  [[nodiscard]] std::chrono::milliseconds timeout() const override { return settings_.timeout; }

  // One round of the thread, which waits at most `wait`.
  void run_once(std::chrono::milliseconds wait);

private:
  struct Trip {
    std::string article; // empty: it asks for health
    Journey journey;
    std::size_t source = 0;
    SteadyTime sent{};
    bool refresh = false;
  };

  void begin();
  void set_out(Trip trip);
  void ask_health();
  void came_back(const Wire::Ended& ended);
  void came_back_with_article(Trip trip, const Wire::Ended& ended);
  void tell_breaker(std::size_t source, Verdict::Kind kind);
  void note_change(std::size_t source, bool usable_before, const std::string& why);
  [[nodiscard]] std::chrono::milliseconds until_next(std::chrono::milliseconds most) const;

  // set once
  const Settings settings_;
  const runtime::Clock& clock_;
  runtime::Metrics& metrics_;
  const std::unique_ptr<Wire> wire_; // its wake() is for all threads

  Desk desk_; // locks for itself

  // the thread's alone
  std::vector<Breaker> breakers_; // of each source
  std::unordered_map<Wire::Ticket, Trip> trips_;
  Wire::Ticket last_ticket_ = 0;
  std::size_t articles_out_ = 0;  // trips that are not for health
  std::size_t refreshes_out_ = 0; // of these, without anybody waiting

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace panier::catalogue
