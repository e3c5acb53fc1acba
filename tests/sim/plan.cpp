#include "plan.hpp"

#include <array>

namespace panier::sim {
namespace {

using namespace std::chrono_literals;

// Not there in most runs; where it is, anything from rare to often.
double draw_odds(Dice& dice, double most) {
  if (!dice.chance(0.3)) return 0;
  static constexpr std::array shares = {0.05, 0.2, 0.5, 1.0};
  return most * dice.pick(shares);
}

Odds draw_all_odds(Dice& dice) {
  Odds odds;
  if (dice.chance(0.1)) return odds; // also: nothing goes wrong
  odds.crash = draw_odds(dice, 0.03);
  odds.slow = draw_odds(dice, 0.2);
  odds.lost_request = draw_odds(dice, 0.08);
  odds.lost_answer = draw_odds(dice, 0.08);
  odds.refused = draw_odds(dice, 0.1);
  odds.conflict = draw_odds(dice, 0.2);
  odds.lost_commit = draw_odds(dice, 0.2);
  odds.hanging_commit = draw_odds(dice, 0.1);
  odds.rejected = draw_odds(dice, 0.1);
  odds.unservable = draw_odds(dice, 0.05);
  odds.late = draw_odds(dice, 0.3);
  odds.partial = draw_odds(dice, 0.3);
  odds.half_open = draw_odds(dice, 1.0);
  return odds;
}

void draw_incidents(Dice& dice, Plan& plan) {
  const auto some_time = [&] { return dice.between(50, plan.length.count() / 1'000) * 1ms; };
  const auto add = [&](Incident::Kind kind, double chance, Time shortest, Time longest) {
    while (dice.chance(chance)) {
      plan.incidents.push_back(
          {kind, some_time(), Time(dice.between(shortest.count(), longest.count())),
           static_cast<int>(dice.between(0, plan.instances - 1)), dice.chance(0.5),
           static_cast<int>(dice.between(0, Incident::choices - 1))});
      chance /= 2;
    }
  };
  using Kind = Incident::Kind;
  add(Kind::ledger_down, 0.2, 100ms, 8s);
  add(Kind::mirror_down, 0.25, 100ms, 8s);
  add(Kind::freeze, 0.25, 100ms, 14s);
  add(Kind::end_transactions, 0.1, 0s, 0s);
  add(Kind::ledger_clock, 0.1, 0s, 0s);
  add(Kind::process_clock, 0.1, 0s, 0s);
  add(Kind::policy, 0.15, 0s, 0s);
  add(Kind::row_unreadable, 0.1, 100ms, 8s);
  add(Kind::rows_refused, 0.1, 50ms, 1s);
  add(Kind::stop, 0.15, 0s, 3s);
  if (plan.cart_ttl > 0h) { // looked at when an instance starts
    const Time then = some_time();
    plan.incidents.push_back({.kind = Kind::long_after, .when = then});
    plan.incidents.push_back({.kind = Kind::stop, .when = then + dice.between(1, 3'000) * 1ms});
  }
  // What others did to the mirror needs a verify that finds it.
  if (plan.verify) {
    add(Kind::mirror_backup, 0.6, 0s, 0s);
    add(Kind::mirror_restore, 0.9, 0s, 0s);
    add(Kind::mirror_edit, 0.9, 0s, 0s);
    if (dice.chance(0.3)) {
      const Time backup = some_time();
      plan.incidents.push_back({.kind = Kind::ledger_backup, .when = backup});
      plan.incidents.push_back(
          {.kind = Kind::ledger_restore, .when = backup + dice.between(10, 5'000) * 1ms});
    }
  }
}

const char* name_of(Incident::Kind kind) {
  static constexpr std::array names = {
      "ledger down",      "mirror down",        "freeze",          "transactions ended",
      "ledger clock set", "instance clock set", "policy switched", "mirror backup",
      "mirror restored",  "mirror edited",      "row unreadable",  "rows refused",
      "hours later",      "instance stopped",   "ledger backup",   "ledger restored"};
  return names.at(static_cast<std::size_t>(kind));
}

} // namespace

Plan draw_plan(Dice& dice) {
  Plan plan;
  plan.instances = static_cast<int>(dice.between(1, 3));
  plan.lanes = static_cast<int>(dice.between(1, 2));
  plan.carts = static_cast<int>(dice.between(1, 4));
  plan.clients = static_cast<int>(dice.between(2, 6));
  plan.requests = static_cast<int>(dice.between(2, 6));
  static constexpr std::array<std::int64_t, 4> thinks = {5, 50, 400, 1'500};
  plan.think_ms = dice.pick(thinks);
  static constexpr std::array shares = {0.0, 0.2, 0.5};
  plan.reads = dice.pick(shares);
  plan.keyed = dice.chance(0.5) ? 0.7 : 0;
  plan.if_match = dice.chance(0.4) ? 0.4 : 0;
  plan.answer_lost = dice.chance(0.3) ? 0.2 : 0;
  plan.queue_max = dice.chance(0.1) ? 3 : 8192;
  plan.policy = dice.chance(0.65) ? commit::Policy::strict : commit::Policy::available;
  plan.verify = dice.chance(0.2);
  plan.prepared = dice.chance(0.8);
  plan.cart_ttl = dice.chance(0.1) ? 1h : 0h;
  // Longer than any retry under a key, where there are any.
  plan.keep = plan.keyed > 0 ? std::chrono::milliseconds(24h) : 18s;
  plan.to_the_very_end = dice.chance(0.03);
  plan.length = 15s;
  plan.odds = draw_all_odds(dice);
  draw_incidents(dice, plan);
  return plan;
}

// A cart is made, the operation under test is asked for under a key, and the cart is read; the
// other instance has nothing to do but to look after what the first one leaves behind.
Plan plan_of(const Script& script) {
  Plan plan;
  plan.instances = 2;
  plan.lanes = plan.carts = plan.clients = 1;
  plan.requests = 3;
  plan.think_ms = 50;
  plan.keyed = 1;
  plan.policy = script.policy;
  plan.keep = 24h;
  plan.length = 60s;
  return plan;
}

std::string to_text(const Script& script) {
  static constexpr std::array names = {"error before", "error after", "answer lost",
                                       "hang, undone", "hang, done",  "crash before",
                                       "crash after"};
  std::string text = std::string(cart::to_string(script.operation)) +
                     (script.policy == commit::Policy::strict ? ", strict" : ", available");
  for (const auto& [call, fault] : script.at)
    text += ", " + std::string(names.at(static_cast<std::size_t>(fault))) + " at call " +
            std::to_string(call);
  return text;
}

std::string to_text(const Incident& incident) {
  return std::string(name_of(incident.kind)) + " at " + std::to_string(incident.when.count()) +
         " us for " + std::to_string(incident.length.count()) + " us, instance " +
         std::to_string(incident.slot) + (incident.flag ? ", hard" : ", soft") + ", choice " +
         std::to_string(incident.choice);
}

std::string to_text(const Plan& plan) {
  return std::to_string(plan.instances) + " instances x " + std::to_string(plan.lanes) +
         " lanes, " + std::to_string(plan.clients) + " clients x " + std::to_string(plan.requests) +
         " requests on " + std::to_string(plan.carts) + " carts, " +
         (plan.policy == commit::Policy::strict ? "strict" : "available") +
         (plan.keyed > 0 ? ", keys" : "") + (plan.verify ? ", verify" : "") + "\n";
}

} // namespace panier::sim
