// A ledger in memory with the real one's transactions: lane rows and carts are locked between
// open() and commit(), locked carts are skipped, others see only what is committed. Nothing ever
// waits: a lock that a real server would wait for is store_conflict at once, so a test with one
// thread goes on and a test with several runs the transaction again. Thread-safe; time is the clock
// passed in.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "commit/ports/ledger.hpp"
#include "runtime/clock.hpp"
#include "support/memory_faults.hpp"

namespace panier::test {

enum class LedgerCall : std::uint8_t {
  prepare,
  open,
  lock, // only as a pause: marked, about to lock the carts
  look, // only as a pause: the carts are locked, about to read the other lanes
  commit,
  last_batch,
  read,
  ping,
  lanes,
  delete_dead_lanes,
  lagging,
  lag_count,
  lag_done,
  add_lag,
  purgeable,
  untouched,
  purge_keys,
  scan,
  misnamed
};

class MemoryLedgerStore final : public commit::LedgerStore {
public:
  struct Key {
    commit::StoredKey stored;
    commit::LedgerTime written_at{};
  };
  // All that is committed.
  struct State {
    std::map<commit::UserId, commit::CartRow> carts;
    std::map<commit::LaneKey, commit::LaneRow> lanes;
    std::map<commit::UserId, commit::Version> lag;
    std::map<commit::KeyRef, Key> keys;
    commit::Version floor = 0;
    std::set<std::string> misnamed; // a hand's
  };

  // The ledger's clock is `clock`'s wall time; the clock outlives the store, the store its
  // connections.
  explicit MemoryLedgerStore(const runtime::Clock& clock) : clock_(clock) {}
  ~MemoryLedgerStore() override;

  [[nodiscard]] std::string_view name() const noexcept override { return "memory_ledger"; }
  [[nodiscard]] Result<void> prepare() override;
  [[nodiscard]] std::unique_ptr<commit::Ledger> connect() override;
  [[nodiscard]] bool exclusive() const noexcept override { return false; }

  // --- for tests ---
  Faults<LedgerCall> faults;
  [[nodiscard]] State state() const;
  // Without a copy, for a test whose only thread is here.
  [[nodiscard]] const State& seen() const { return state_; }
  // A hand edit: of committed state, whoever holds locks.
  void edit(const std::function<void(State&)>& change);
  // Rows for which this is true are refused at commit, as a row too large is (store_rejected).
  void refuse_rows(std::function<bool(const commit::CartRow&)> refused);
  // Transactions whose COMMIT hangs (Fault::hanging) end now, and let their locks go.
  void decide_hanging(bool committed);
  // The server ends every open transaction, as it does with an idle one: rolled back; whoever held
  // it learns it at COMMIT.
  void end_open_transactions();
  // While set, a connection that goes with its transaction open leaves its locks behind (nobody
  // told the server), until release_orphans().
  void orphan_on_disconnect(bool on);
  void release_orphans();
  // Told of every change of a visible cart, in the order of the commits; with the store's mutex
  // held. `after` is nullptr for a purge.
  using Observer = std::function<void(const commit::UserId&, const commit::CartRow* before,
                                      const commit::CartRow* after)>;
  void observe(Observer observer);

private:
  class Connection;
  // What a transaction holds, and what it made that nobody else may see yet.
  struct Transaction {
    std::optional<commit::LaneKey> lane;
    bool lane_is_new = false;
    std::set<commit::UserId> carts;
    std::map<commit::UserId, commit::CartRow> made;
    bool ended = false; // by the server
  };
  using TransactionPtr = std::shared_ptr<Transaction>;

  [[nodiscard]] Result<commit::Opened> begin(const commit::OpenRequest& request, Transaction& mine);
  // All with mutex_ held.
  [[nodiscard]] Result<void> mark(Transaction& mine, const commit::LaneKey& lane,
                                  commit::Opened& opened);
  void lock(Transaction& mine, const commit::OpenRequest::Wanted& wanted, commit::Opened& opened);
  void look(const commit::OpenRequest& request, commit::Opened& opened) const;
  [[nodiscard]] Result<void> check(const Transaction& mine, const commit::Writes& writes) const;
  void apply(const Transaction& mine, const commit::Writes& writes);
  void apply_cart(const commit::CartRow& row);
  void release(const Transaction& mine);
  [[nodiscard]] commit::LedgerTime now() const { return clock_.wall(); }

  // set once
  const runtime::Clock& clock_;

  mutable std::mutex mutex_;
  // guarded by mutex_:
  State state_;
  std::set<commit::LaneKey> locked_lanes_;
  std::set<commit::UserId> locked_carts_;
  std::uint32_t last_id_maria_ = 0; // never given twice, also after a rollback
  std::function<bool(const commit::CartRow&)> refused_;
  std::vector<std::pair<TransactionPtr, commit::Writes>> hanging_;
  std::vector<std::weak_ptr<Transaction>> open_;
  std::vector<TransactionPtr> orphans_;
  bool orphan_ = false;
  Observer observer_;
};

} // namespace panier::test
