#include "catalogue/catalogue.hpp"

#include <algorithm>

#include "runtime/log.hpp"
#include "runtime/this_thread.hpp"

namespace panier::catalogue {

namespace {

using Kind = Verdict::Kind;
using std::chrono::milliseconds;

Verdict verdict_of(const Wire::Ended& ended) {
  if (ended.too_long) return {.kind = Kind::malformed, .article = nullptr, .why = "too long"};
  if (ended.status == 0) return {.kind = Kind::unreachable, .article = nullptr, .why = ended.why};
  return judge(ended.status, ended.body);
}

// Any answer that is no failure: a gateway without a route for health is a gateway that answers.
bool is_healthy(const Wire::Ended& ended) {
  return ended.status != 0 && ended.status < 500;
}

} // namespace

Catalogue::Catalogue(Settings settings, const runtime::Clock& clock, runtime::Metrics& metrics,
                     std::unique_ptr<Wire> wire)
    : settings_(std::move(settings)), clock_(clock), metrics_(metrics), wire_(std::move(wire)),
      desk_(settings_.cache, clock, metrics), breakers_(settings_.sources.size()) {
  for (const auto& source : settings_.sources)
    metrics_.article_source(source.name, true);
}

Catalogue::~Catalogue() {
  stop();
}

void Catalogue::start() {
  thread_ = std::thread([this] {
    runtime::block_all_signals();
    runtime::name_this_thread("articles");
    while (!stopping_)
      run_once(wait_max);
  });
}

void Catalogue::stop() {
  stopping_ = true;
  wire_->wake();
  if (thread_.joinable()) thread_.join();
  desk_.close();
}

void Catalogue::ask(Order order) {
  if (desk_.ask(std::move(order))) wire_->wake();
}

void Catalogue::run_once(milliseconds wait) {
  begin();
  ask_health();
  for (const auto& ended : wire_->run_once(until_next(wait)))
    came_back(ended);
  desk_.expire();
}

void Catalogue::begin() {
  while (articles_out_ < requests_at_once_max) {
    auto errand = desk_.next(refreshes_out_ < refreshes_at_once_max);
    if (!errand) return;
    const auto now = clock_.steady();
    set_out({.article = std::move(errand->article),
             .journey = Journey(now, now + settings_.timeout),
             .source = 0,
             .sent = {},
             .refresh = errand->refresh});
  }
}

// To the next URL, or home.
void Catalogue::set_out(Trip trip) {
  trip.sent = clock_.steady();
  const auto leg = trip.journey.next(breakers_, trip.sent);
  if (!leg) {
    desk_.landed(trip.article, trip.journey.verdict(), trip.journey.started());
    return;
  }
  trip.source = leg->source;
  ++articles_out_;
  if (trip.refresh) ++refreshes_out_;
  wire_->get(++last_ticket_, settings_.sources[leg->source].url + trip.article, leg->timeout);
  trips_.emplace(last_ticket_, std::move(trip));
}

void Catalogue::ask_health() {
  const auto now = clock_.steady();
  for (std::size_t source = 0; source < breakers_.size(); ++source) {
    if (!breakers_[source].probe_due(now)) continue;
    breakers_[source].probe_sent();
    wire_->get(++last_ticket_, settings_.sources[source].url + "health",
               std::min(health_timeout, settings_.timeout));
    trips_.emplace(
        last_ticket_,
        Trip{.article = {}, .journey = Journey(now, now), .source = source, .sent = now});
  }
}

void Catalogue::came_back(const Wire::Ended& ended) {
  auto node = trips_.extract(ended.ticket);
  if (node.empty()) return;
  auto& trip = node.mapped();
  if (!trip.article.empty()) return came_back_with_article(std::move(trip), ended);
  const bool usable_before = breakers_[trip.source].usable();
  breakers_[trip.source].probed(is_healthy(ended), clock_.steady());
  note_change(trip.source, usable_before,
              ended.status == 0 ? ended.why : "health: status " + std::to_string(ended.status));
}

void Catalogue::came_back_with_article(Trip trip, const Wire::Ended& ended) {
  --articles_out_;
  if (trip.refresh) --refreshes_out_;
  auto verdict = verdict_of(ended);
  metrics_.article_request(settings_.sources[trip.source].name, to_string(verdict.kind),
                           clock_.steady() - trip.sent);
  if (verdict.kind != Kind::found) {
    runtime::log::debug("article", {{"id", trip.article},
                                    {"url", settings_.sources[trip.source].name},
                                    {"result", to_string(verdict.kind)},
                                    {"detail", verdict.why}});
  }
  const bool usable_before = breakers_[trip.source].usable();
  tell_breaker(trip.source, verdict.kind);
  note_change(trip.source, usable_before, verdict.why);
  if (trip.journey.came_back(std::move(verdict)))
    desk_.landed(trip.article, trip.journey.verdict(), trip.journey.started());
  else
    set_out(std::move(trip));
}

void Catalogue::tell_breaker(std::size_t source, Kind kind) {
  auto& breaker = breakers_[source];
  switch (kind) {
  case Kind::found:
  case Kind::gone:
  case Kind::denied:
  case Kind::invalid: return breaker.answered();
  case Kind::malformed:
  case Kind::failing: return breaker.failed(clock_.steady());
  case Kind::unreachable: return breaker.silent(clock_.steady());
  }
}

// Once a change, not once a request: a URL of another place (docker, server) is out for good.
void Catalogue::note_change(std::size_t source, bool usable_before, const std::string& why) {
  const bool usable = breakers_[source].usable();
  if (usable == usable_before) return;
  const auto& name = settings_.sources[source].name;
  metrics_.article_source(name, usable);
  if (usable)
    runtime::log::info("articles service is asked again", {{"url", name}});
  else
    runtime::log::warn("articles service is not asked any more", {{"url", name}, {"why", why}});
}

milliseconds Catalogue::until_next(milliseconds most) const {
  auto due = desk_.next_due();
  for (const auto& breaker : breakers_)
    due = std::min(due, breaker.next_probe());
  const auto now = clock_.steady();
  if (due <= now) return milliseconds{0};
  return std::min(most,
                  std::chrono::ceil<milliseconds>(std::min(due - now, SteadyTime::duration(most))));
}

} // namespace panier::catalogue
