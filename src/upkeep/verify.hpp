// Compares both stores cart by cart, in user_id order, page by page. A cart in flight looks
// different for a moment: what seems to differ is looked at again until it is the same, or until
// both stores stand still and still disagree.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "upkeep/stores.hpp"

namespace panier::upkeep {

struct Difference {
  std::string user;
  std::string what; // "version: ledger 5, mirror 4", "missing in the mirror", ..
};

struct VerifyReport {
  std::int64_t carts = 0;       // ledger rows looked at
  std::int64_t documents = 0;   // mirror documents looked at
  std::int64_t unreadable = 0;  // mirror documents whose user_id or _id cannot be read
  std::int64_t lagging = 0;     // differ and the ledger knows: repair is under way
  std::int64_t differences = 0; // all of them, also those not listed
  std::vector<Difference> listed;
  static constexpr std::size_t listed_max = 1'000;
};

class Verify {
public:
  enum class Mode : std::uint8_t {
    report,     // changes nothing
    repair,     // every difference gets a lag row, foreign documents are removed; lag repair does
                // the rest
    continuous, // the same, and a cart in a lane's list or one that keeps changing is left for the
                // next round: the lane may be dead, and who would wait here is who aborts its list
  };
  // `pause` waits between pages and between looks (a rate limit, a stop); it returns false to stop
  // early.
  static constexpr int page_carts = 200;
  using Pause = std::function<bool(std::chrono::milliseconds)>;
  Verify(Stores& stores, Pause pause, Mode mode)
      : stores_(stores), pause_(std::move(pause)), mode_(mode) {}

  // All carts of both stores. An error: a store did not answer.
  Result<VerifyReport> run();
  // For the continuous verify: the next `limit` carts after where the last page ended, and around
  // again.
  Result<VerifyReport> next_page(int limit);
  // false: the last page ended a round.
  [[nodiscard]] bool in_round() const { return after_.has_value(); }

private:
  Result<bool> page(int limit, VerifyReport& report); // false: that was the last
  Result<void> compare(const std::optional<commit::CartRow>& row,
                       const std::vector<commit::MirrorDoc>& docs, const commit::UserId& user,
                       VerifyReport& report);
  [[nodiscard]] Result<std::optional<cart::Token>> listed_by(const commit::UserId& user);
  Result<void> differs(const commit::UserId& user, std::string what,
                       const std::vector<commit::MirrorDoc>& docs,
                       const std::optional<commit::CartRow>& row, Mode mode, VerifyReport& report);

  Stores& stores_;
  const Pause pause_;
  const Mode mode_;
  std::optional<commit::UserId> after_;
  // Batches that stood unchanged all the while one of their carts was looked at: their lanes are
  // dead, and no other cart of theirs is worth the wait.
  std::set<cart::Token> waited_for_;
};

} // namespace panier::upkeep
