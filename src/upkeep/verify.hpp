// Compares both stores cart by cart, in user_id order, page by page. A cart in flight looks
// different for a moment: what seems to differ is looked at again until it is the same, or until
// both stores stand still and still disagree.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "upkeep/stores.hpp"

namespace panier::upkeep {

struct Difference {
  std::string user; // of a row of the ledger's that no request can name, whatever stands there
  std::string what; // "version: ledger 5, mirror 4", "missing in the mirror", ..
};

struct VerifyReport {
  std::int64_t carts = 0;       // that exist in the ledger, looked at
  std::int64_t tombstones = 0;  // the ledger's other rows: deleted, or not created after all
  std::int64_t documents = 0;   // mirror documents looked at
  std::int64_t unreadable = 0;  // mirror documents whose user_id or _id cannot be read
  std::int64_t differences = 0; // all of them, also those not listed
  std::vector<Difference> listed;
  static constexpr std::size_t listed_max = 1'000;
};

class Verify {
public:
  enum class Mode : std::uint8_t {
    report,     // changes nothing
    repair,     // every difference gets a lag row, and what lag repair could not overwrite is
                // removed under the cart's lock; lag repair does the rest. What panier never wrote,
                // of a user whom the ledger does not know, is told and left
    continuous, // the same, and a cart in a lane's list or one that keeps changing is left for the
                // next round: the lane may be dead, and who would wait here is who aborts its list
  };
  // `pause` waits between pages and between looks (a rate limit, a stop); it returns false to stop
  // early.
  static constexpr int page_carts = 200;
  static_assert(2 * page_carts <= 512); // the users of a page, from both stores: one read() each
  using Pause = std::function<bool(std::chrono::milliseconds)>;
  Verify(Stores& stores, Pause pause, Mode mode)
      : stores_(stores), pause_(std::move(pause)), mode_(mode) {}

  // All carts of both stores. An error: a store did not answer.
  Result<VerifyReport> run();
  // For the continuous verify: at most `limit` carts after where the last call ended, and around
  // again; in pages, whatever the limit is.
  Result<VerifyReport> next_page(int limit);
  // false: the last page ended a round.
  [[nodiscard]] bool in_round() const { return after_.has_value(); }

private:
  // A user whose cart seemed to differ when it was last looked at.
  struct Suspect {
    commit::UserId user;
    std::optional<commit::CartRow> row;
    std::vector<commit::MirrorDoc> docs;
    std::string what;
    int same = 0;                        // looks in a row that saw the same
    std::optional<cart::Token> holder{}; // the batch that has the cart in hand
  };
  Result<bool> page(int limit, VerifyReport& report); // false: that was the last
  Result<void> name_misnamed(const std::optional<commit::UserId>& until, VerifyReport& report);
  Result<void> look_closer(std::vector<Suspect> suspects, VerifyReport& report);
  Result<void> look_again(std::vector<Suspect>& suspects);
  Result<void> judge_standing(std::vector<Suspect>& suspects, VerifyReport& report);
  Result<void> differs(const Suspect& suspect, Mode mode, VerifyReport& report);
  Result<void> mend(const Suspect& suspect);
  Result<void> clear_under_lock(const Suspect& suspect);
  void tell(const Suspect& suspect);

  Stores& stores_;
  const Pause pause_;
  const Mode mode_;
  std::optional<commit::UserId> after_;
  int told_ = 0; // log lines of this page
  // Batches that stood unchanged all the while one of their carts was looked at: their lanes are
  // dead, and no other cart of theirs is worth the wait.
  std::set<cart::Token> waited_for_;
};

} // namespace panier::upkeep
