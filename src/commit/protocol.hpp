// Reserve, mirror, settle, as plain code: what a lane's transaction must lock, what it writes, whom
// it answers, what goes to the mirror and what the mirror's answers mean. No I/O, no thread, no
// clock: everything comes in as an argument. The rules and the stories behind them are in
// docs/adr/0001; the model that enumerates them calls the two halves of a transaction plan() (here
// open_request()) and work() (here decide()).
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commit/limits.hpp"
#include "commit/pending_write.hpp"
#include "commit/policy.hpp"
#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"

namespace panier::commit {

// Random tokens and fresh ids; a simulator draws them from its seed. Used by one thread.
class IdSource {
public:
  virtual ~IdSource() = default;
  [[nodiscard]] virtual Token token() = 0;
  [[nodiscard]] virtual CartId cart_id() = 0;
};

struct Reply {
  PendingWritePtr write;
  Result<Receipt> result;
};

// One cart of a batch: what its row will be, and who waits for it.
struct Entry {
  enum class Verdict : std::uint8_t { unknown, held, not_held };
  Policy policy = Policy::strict; // available: `next` is visible already and nobody waits
  CartRow next;                   // with the version and token that the mirror is sent
  Version base = 0;               // the visible version it was reserved on
  Verdict verdict = Verdict::unknown;
  Version mirror_version = 0; // the mirror is ahead: it holds this version, and it is not ours
  std::string why{};          // of not_held, for the log
  bool poisoned = false;      // the ledger refused this row when it was written alone
  // The ledger refused its old content as well: it stays listed, with nobody waiting for it, and is
  // tried again then. The epoch: it did not.
  LedgerTime stuck_until{};
  std::vector<Reply>
      replies{}; // strict: of the whole fold, refusals and no-ops too; told when it is settled
  std::vector<StoredKey> keys{};
  [[nodiscard]] Listed listed() const { return {next.user, next.cart.version}; }
  // Settled by leaving the lane's own list: nothing else is read or written, so its cart needs no
  // lock.
  [[nodiscard]] bool only_struck_off() const {
    return policy == Policy::available && verdict == Verdict::held;
  }
};

// Something that an operator should see; the lane logs and counts it.
struct Notice {
  enum class Kind : std::uint8_t {
    aborted,      // a reserved write was rolled back
    mirror_ahead, // the mirror holds a version that we never gave it
    base_changed, // second line of defence: a visible version other than the one reserved on
    list_lost,    // others aborted our outstanding batch
  };
  Kind kind;
  UserId user;
  std::string detail;
};

// What becomes of one outstanding entry in a round.
struct Fate {
  enum class Kind : std::uint8_t {
    kept,    // stays listed: its cart is locked by somebody, it is stuck, or not its turn
    visible, // strict: the mirror held it
    aborted, // strict: old content under a new version
    done,    // available: off the list
  };
  Kind kind = Kind::kept;
  Error error; // of aborted
};

// What one transaction does. Nothing of it counts before committed().
struct Round {
  std::int64_t number = 0; // becomes last_batch
  Writes writes;
  std::vector<Fate> fates;               // one for each outstanding entry
  std::vector<Entry> reserved;           // the new entries
  std::vector<Reply> replies;            // of writes that reserve nothing; due at COMMIT
  std::vector<PendingWritePtr> parked;   // another lane holds the cart: try again later
  std::vector<PendingWritePtr> deferred; // did not fit: next round
  std::vector<Notice> notices;
  std::optional<UserId> alone; // isolating: the only cart whose row this round writes
};

class Protocol {
public:
  struct Settings {
    std::chrono::milliseconds reservation_ttl{5'000};
    cart::Limits limits;
    bool mirrored = true; // false: PANIER_MIRROR=none
  };

  Protocol(LaneKey lane, Settings settings, IdSource& ids)
      : lane_(std::move(lane)), settings_(settings), ids_(ids) {}

  [[nodiscard]] const LaneKey& lane() const { return lane_; }
  // Is there something to settle at once?
  [[nodiscard]] bool outstanding() const {
    return std::ranges::any_of(entries_, [](const Entry& one) {
      return one.stuck_until == LedgerTime{} && !one.only_struck_off();
    });
  }
  // Is there something to settle that nobody waits for?
  [[nodiscard]] bool strikes_off() const {
    return std::ranges::any_of(entries_, &Entry::only_struck_off);
  }
  // The next rounds write one cart each.
  [[nodiscard]] bool isolating() const { return isolate_ > 0; }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }

  // --- one transaction ---
  // What to mark and open: own row, the carts to settle (but for those that only leave the list),
  // the carts of `writes`.
  [[nodiscard]] OpenRequest open_request(std::span<const PendingWritePtr> writes);
  // The own row carries a token that is neither ours nor NULL (a restart, a batch given up): abort
  // its lists like a stranger's (abort.hpp) before anything else.
  [[nodiscard]] bool is_strangers(const Opened& opened) const;
  // Settles, reserves, closes. `writes` are those of open_request().
  [[nodiscard]] Round decide(Opened opened, std::span<const PendingWritePtr> writes, Policy policy);
  // It is committed. Returns the replies that are due now: the round's own and those of what it
  // settled.
  [[nodiscard]] std::vector<Reply> committed(Round round);
  // It is certainly not committed: the ledger refused what it wrote, and would again. The next
  // rounds write one cart each until the culprit is found; that one is aborted, and set aside if
  // that is refused too. Returns the culprit's replies if nothing of it is to be settled any more,
  // and names it.
  struct Rejection {
    std::optional<UserId> culprit;
    std::vector<Reply> replies;
  };
  [[nodiscard]] Rejection rejected(Round round, const Error& error);
  // Nobody waits any more and nobody knows: forget the outstanding batch. From now on its token is
  // a stranger's.
  [[nodiscard]] std::vector<Reply> forget();

  // --- the mirror ---
  // The guarded writes of the entries without a verdict.
  [[nodiscard]] std::vector<MirrorWrite> to_send() const;
  // The reservation's life is over, or the mirror is known to be down: nothing is sent, all is
  // aborted.
  void not_sent(const std::string& why);
  // What the bulk said, in the order of to_send(); an error says nothing of any of them.
  void bulk_answered(const Result<std::vector<Took>>& took);
  // The carts of which only a read of the mirror can tell.
  [[nodiscard]] std::vector<UserId> to_read_back() const;
  // What that read found; an error decides nothing, so they are aborted.
  void read_back(const Result<std::vector<MirrorDoc>>& docs);

private:
  // Visible rows of the carts that this transaction has opened, as it leaves them; in user_id
  // order.
  using Rows = std::vector<CartRow>;
  struct Fold;
  struct Folded;

  void settle(const Opened& opened, Round& round, Rows& rows);
  void settle_one(std::size_t index, const Opened& opened, Round& round, CartRow& row);
  void abort_one(std::size_t index, const Opened& opened, Round& round, CartRow& row, Error error);
  void reserve(const Opened& opened, std::span<const PendingWritePtr> writes, Policy policy,
               Round& round, Rows& rows);
  void apply_fold(Fold& fold, const Opened& opened, Policy policy, Round& round);
  void apply_write(const PendingWritePtr& write, const Opened& opened, Policy policy,
                   const Round& round, Folded& folded) const;
  [[nodiscard]] static const StoredKey* known_key(const KeyRef& ref, const Opened& opened,
                                                  const Round& round, const Folded& folded);
  void close(const Opened& opened, Round& round) const;

  // set once
  const LaneKey lane_;
  const Settings settings_;
  IdSource& ids_;

  // the lane's thread alone
  std::int64_t number_ = 0;    // of the last transaction that was tried
  std::optional<Token> token_; // of the outstanding batch, as the lane's row has it
  std::vector<Entry> entries_; // the outstanding batch
  std::size_t isolate_ = 0;    // so many more rounds write one cart each
};

} // namespace panier::commit
