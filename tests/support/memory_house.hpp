// Lanes and upkeep of one or several processes on the stores in memory, driven by hand: what a test
// of the commit path starts from. Every write asked for must be answered exactly once.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "commit/lane.hpp"
#include "support/manual_clock.hpp"
#include "support/memory_ledger.hpp"
#include "support/memory_mirror.hpp"
#include "upkeep/abandoned_lists.hpp"
#include "upkeep/lag_repair.hpp"
#include "upkeep/verify.hpp"

namespace panier::test {

using namespace std::chrono_literals;
using cart::OperationKind;
using cart::Quantity;
using commit::Lane;
using commit::LaneKey;
using commit::Policy;
using commit::Receipt;
using commit::Took;
using commit::UserId;

inline UserId user(std::string_view name) {
  return UserId::parse(name).value();
}
inline cart::Line line(std::string_view article, int quantity) {
  return {cart::LineKey::parse(article).value(), Quantity::of(quantity)};
}
inline Error timed_out() {
  return {Errc::store_timeout, {}, "no answer in time"};
}
inline Error unreachable() {
  return {Errc::store_unreachable, {}, "connection refused"};
}
inline Error commit_lost() {
  return {Errc::commit_unknown, {}, "lost connection during COMMIT"};
}

} // namespace panier::test

namespace panier::cart {
// What a failing test prints.
inline void PrintTo(const Line& line, std::ostream* out) {
  *out << line.key.article_id() << ' ' << line.quantity.to_text();
}
} // namespace panier::cart

namespace panier::test {

inline cart::Operation operation(OperationKind kind, std::string_view who) {
  return {.kind = kind, .user = user(who), .line = {}, .quantity = {}, .if_match = {}};
}
inline cart::Operation add(std::string_view who, std::string_view article = "a", int quantity = 1) {
  auto made = operation(OperationKind::add, who);
  made.line = cart::LineKey::parse(article);
  made.quantity = Quantity::of(quantity);
  return made;
}

// Distinct for every process of a test and the same in every run.
class NumberedIds final : public commit::IdSource {
public:
  explicit NumberedIds(std::uint8_t process) : process_(process) {}
  commit::Token token() override { return commit::Token(numbered<16>()); }
  commit::CartId cart_id() override { return commit::CartId(numbered<12>()); }

private:
  template <std::size_t N>
  std::array<std::uint8_t, N> numbered() {
    std::array<std::uint8_t, N> bytes{process_};
    ++last_;
    for (std::size_t i = 0; i < 4; ++i)
      bytes[N - 1 - i] = static_cast<std::uint8_t>(last_ >> (8 * i));
    return bytes;
  }
  const std::uint8_t process_;
  std::uint32_t last_ = 0;
};

// A write and what came back.
struct Asked {
  std::shared_ptr<std::vector<Result<Receipt>>> answers =
      std::make_shared<std::vector<Result<Receipt>>>();
  [[nodiscard]] bool answered() const { return !answers->empty(); }
  [[nodiscard]] bool ok() const { return answered() && answers->front().has_value(); }
  [[nodiscard]] const Receipt& receipt() const { return answers->at(0).value(); }
  // "ok", an Errc's name, or "" while it is unanswered.
  [[nodiscard]] std::string outcome() const {
    if (!answered()) return "";
    return ok() ? "ok" : std::string(to_string(answers->front().error().code));
  }
};

class House;

// One process with one lane.
struct Instance {
  Instance(House& house, std::string name, std::uint8_t number);
  NumberedIds ids;
  commit::WriteQueue queue;
  commit::Quarantine quarantine;
  Lane lane;
};

class House : public ::testing::Test {
protected:
  House() { clock_.advance(1h); }
  ~House() override {
    for (const auto& asked : asked_)
      EXPECT_EQ(asked.answers->size(), 1U) << "a write was not answered exactly once";
  }

public:
  [[nodiscard]] commit::LaneShared shared() {
    return {.clock = clock_,
            .metrics = metrics_,
            .ledger_state = ledger_state_,
            .mirror_state = mirror_state_,
            .policy = policy_,
            .timing = timing_,
            .limits = {},
            .wait = [this](std::chrono::milliseconds time) {
              clock_.advance(time);
              if (on_wait_) on_wait_();
            }};
  }
  MemoryLedgerStore& ledger() { return ledger_; }
  MemoryMirrorStore& mirror() { return mirror_; }

protected:
  std::unique_ptr<Instance> start(std::string name, std::uint8_t number = 1) {
    return std::make_unique<Instance>(*this, std::move(name), number);
  }

  Asked ask(Instance& instance, cart::Operation wanted,
            std::optional<commit::Idempotency> key = {}) {
    Asked asked;
    auto write =
        std::make_shared<commit::PendingWrite>(commit::WriteRequest{std::move(wanted), key},
                                               clock_.steady() + commit::Timing{}.request_timeout,
                                               [answers = asked.answers](Result<Receipt> result) {
                                                 answers->push_back(std::move(result));
                                               });
    if (auto queued = instance.queue.push(write); !queued)
      write->answer(std::unexpected(queued.error()));
    asked_.push_back(asked);
    return asked;
  }

  // Rounds until there is nothing to do, at most `rounds`.
  static Lane::Did settle(Instance& instance, int rounds = 20) {
    auto did = Lane::Did::worked;
    for (int i = 0; i < rounds && did != Lane::Did::nothing; ++i)
      did = instance.lane.run_once();
    return did;
  }
  // A cart that both stores hold.
  void make_cart(Instance& instance, std::string_view who) {
    const auto asked = ask(instance, add(who));
    settle(instance);
    ASSERT_EQ(asked.outcome(), "ok");
  }

  [[nodiscard]] upkeep::Stores upkeep_stores() {
    return {.clock = clock_,
            .metrics = metrics_,
            .ledger_state = ledger_state_,
            .mirror_state = mirror_state_,
            .ledger = ledger_.connect(),
            .mirror = mirror_.connect(),
            .ids = std::make_unique<NumberedIds>(std::uint8_t{200})};
  }
  // As upkeep does it once the stores are known to be back and the backoffs are over.
  void repair() {
    ledger_state_.answered({});
    mirror_state_.answered({});
    auto stores = upkeep_stores();
    upkeep::LagRepair repair(stores);
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(repair.run_once());
      clock_.advance(1min);
    }
  }
  // What verify finds, "" where the stores agree.
  [[nodiscard]] std::string differences() {
    auto stores = upkeep_stores();
    upkeep::Verify verify(
        stores, [](std::chrono::milliseconds) { return true; }, upkeep::Verify::Mode::report);
    const auto report = verify.run();
    if (!report) return std::string(to_string(report.error().code));
    std::string text;
    for (const auto& difference : report->listed)
      text += difference.user + ": " + difference.what + "\n";
    return text;
  }
  [[nodiscard]] std::vector<cart::Line> ledger_lines(std::string_view who) const {
    const auto state = ledger_.state();
    const auto it = state.carts.find(user(who));
    return it == state.carts.end() ? std::vector<cart::Line>{} : it->second.cart.lines;
  }
  [[nodiscard]] std::vector<cart::Line> mirror_lines(std::string_view who) const {
    const auto doc = mirror_.document(user(who));
    return doc ? doc->lines : std::vector<cart::Line>{};
  }

  ManualClock clock_;
  MemoryLedgerStore ledger_{clock_};
  MemoryMirrorStore mirror_;
  runtime::StoreState ledger_state_{"memory_ledger", clock_};
  runtime::StoreState mirror_state_{"memory_mirror", clock_};
  runtime::Metrics metrics_{"test", clock_};
  std::atomic<Policy> policy_{Policy::strict};
  commit::Timing timing_; // of the instances started from now on
  std::function<void()> on_wait_;

private:
  std::vector<Asked> asked_;
};

inline Instance::Instance(House& house, std::string name, std::uint8_t number)
    : ids(number), queue(1, 8192),
      lane(LaneKey{std::move(name), 0}, house.shared(), house.ledger().connect(),
           house.mirror().connect(), ids, queue, quarantine) {}

} // namespace panier::test
