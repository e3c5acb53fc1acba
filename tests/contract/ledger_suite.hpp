// What every ledger promises (commit/ports/ledger.hpp), as one suite. An adapter's own .cpp
// includes this header and says, in namespace panier::contract, how a fresh, empty ledger is made:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerContract, testing::Values(LedgerFactory{.fresh = ...,
//   .row_locks = false}));
//
// Time is the ledger's own (ping(), Opened::now), and stored times are used in whole seconds where
// the platform's columns have no more.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "commit/ports/ledger.hpp"
#include "suite_values.hpp"

namespace panier::contract {

// One ledger for one test: no carts, no lanes, no keys, floor 0, prepared. Outlives the connections
// made from it.
class LedgerUnderTest {
public:
  virtual ~LedgerUnderTest() = default;
  virtual commit::LedgerStore& store() = 0;
};

struct LedgerFactory {
  std::function<std::unique_ptr<LedgerUnderTest>()> fresh;
  // false: one writer at a time (SQLite). A second open() waits, and may end in store_conflict,
  // where a store with row locks works beside the first one or skips its carts.
  bool row_locks = true;
  friend std::ostream& operator<<(std::ostream& out, const LedgerFactory& factory) {
    return out << (factory.row_locks ? "row locks" : "one writer");
  }
};

class LedgerContract : public testing::TestWithParam<LedgerFactory> {
protected:
  LedgerContract() : under_test_(GetParam().fresh()), ledger_(connect()) {}

  std::unique_ptr<Ledger> connect() { return under_test_->store().connect(); }
  commit::LedgerStore& store() { return under_test_->store(); }
  Ledger& ledger() { return *ledger_; }

  // As a lane does it: a conflict means "run the whole transaction again". A store that cannot wait
  // says so at once.
  static Opened open(Ledger& ledger, const OpenRequest& request) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      auto opened = ledger.open(request);
      const bool again = !opened && opened.error().code == Errc::store_conflict;
      if (!again || std::chrono::steady_clock::now() > give_up) return must(std::move(opened));
      std::this_thread::yield();
    }
  }

  // A thread whose exceptions fail the test instead of ending the program.
  static std::jthread spawn(std::function<void()> work) {
    return std::jthread([work = std::move(work)] {
      try {
        work();
      } catch (const std::exception& e) {
        ADD_FAILURE() << e.what();
      }
    });
  }

  static OpenRequest want(std::optional<LaneKey> lane, std::vector<OpenRequest::Wanted> wanted) {
    return OpenRequest{std::move(lane), std::move(wanted), {}};
  }

  // One transaction of upkeep's kind on these carts: lock (made when unknown), change, commit.
  void change(const UserId& who, int id, const std::function<void(CartRow&)>& how) {
    auto opened = open(ledger(), want(std::nullopt, {{who, cart_id(id)}}));
    Writes writes;
    writes.carts.push_back(opened.carts.at(0));
    how(writes.carts.back());
    must(ledger().commit(writes));
  }

  // A cart with these lines at this version, whatever it was before.
  void put(const UserId& who, int id, Version version,
           std::vector<Line> lines = {line("a", 1000)}) {
    const auto now = whole_seconds(must(ledger().ping()));
    change(who, id, [&](CartRow& row) {
      row.cart.version = version;
      row.cart.exists = true;
      row.cart.lines = std::move(lines);
      row.token = token(static_cast<int>(version));
      row.updated_at = now;
      row.created_at = now;
    });
  }

  void erase(const UserId& who, Version version) {
    const auto now = whole_seconds(must(ledger().ping()));
    change(who, 0, [&](CartRow& row) {
      row.cart.version = version;
      row.cart.exists = false;
      row.cart.lines.clear();
      row.updated_at = now;
    });
  }

  // Writes beside any cart's content: lag rows, keys, purges.
  void write(const Writes& writes, const std::vector<UserId>& locked) {
    OpenRequest request;
    for (const auto& who : locked)
      request.wanted.push_back({who, std::nullopt});
    (void)open(ledger(), request);
    must(ledger().commit(writes));
  }

  // A lane's row as a transaction of that lane leaves it.
  void write_row(const LaneRow& row) {
    (void)open(ledger(), want(row.key, {}));
    Writes writes;
    writes.row = row;
    must(ledger().commit(writes));
  }

  std::optional<CartRow> read_one(const UserId& who) {
    const auto rows = must(ledger().read(std::span(&who, 1)));
    if (rows.size() > 1) throw std::runtime_error("two rows of one user");
    return rows.empty() ? std::nullopt : std::optional(rows.front());
  }

  static std::vector<std::string> names(const std::vector<CartRow>& rows) {
    std::vector<std::string> texts;
    for (const auto& row : rows)
      texts.push_back(row.user.text());
    return texts;
  }

private:
  std::unique_ptr<LedgerUnderTest> under_test_;
  std::unique_ptr<Ledger> ledger_; // after under_test_: goes first
};

} // namespace panier::contract

#include "ledger_suite_carts.hpp"
#include "ledger_suite_lanes.hpp"
#include "ledger_suite_upkeep.hpp"
