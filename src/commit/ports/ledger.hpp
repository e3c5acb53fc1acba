// The ledger: the store that decides. One Ledger is one connection; it is used by one thread at a
// time and re-connects by itself on the next call after it broke. Every call ends within the
// adapter's own timeouts; none throws.
//
// The lane's transaction is two calls, as in the model (lane_row_model.py): open() marks, locks and
// looks, in this order; commit() settles, reserves, closes and commits. Between them the
// transaction holds its locks, so the caller only computes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cart/cart.hpp"
#include "result/result.hpp"

namespace panier::commit {

using cart::CartId;
using cart::Token;
using cart::UserId;
using cart::Version;

// The ledger's own clock, in ms since 1970 UTC. Never compared with a clock of this process.
using LedgerTime = std::chrono::sys_time<std::chrono::milliseconds>;

struct LaneKey {
  std::string instance; // fresh for every process: 1-32 of A-Z a-z 0-9 -
  int lane = 0;
  friend auto operator<=>(const LaneKey&, const LaneKey&) = default;
};

struct Listed {
  UserId user;
  Version version = 0;
  friend auto operator<=>(const Listed&, const Listed&) = default;
};

// A lane's row. token is set exactly while a batch is outstanding, i.e. while one of the lists is
// not empty.
struct LaneRow {
  LaneKey key;
  std::int64_t last_batch = 0; // the number of the lane's last committed transaction
  std::optional<Token> token{};
  LedgerTime expires_at{};        // when others may abort the lists
  std::vector<Listed> reserved{}; // strict: carts that will get these versions, or not
  std::vector<Listed>
      in_flight{}; // available: already visible, the mirror not yet known to hold them
  LedgerTime heartbeat{};
};

// A cart's row as it is visible. A tombstone has cart.exists == false. A tombstone made for a first
// create has version 0 until that create is settled or aborted.
struct CartRow {
  UserId user;
  cart::Cart cart{};
  std::uint32_t id_maria = 0; // assigned by the ledger at the first insert
  Token token{};              // of the batch that wrote this version
  LedgerTime created_at{};
  LedgerTime updated_at{}; // for a tombstone: when it was deleted
  // The stored lines as they stand, where they, the cart's id or its id_maria cannot be read (a
  // hand edit); cart.lines is empty then. Such a cart fails alone, and a write of its row keeps the
  // text, so that raising a version never loses what a human may still mend. A token or a time that
  // cannot be read is nobody's, or long ago, and mended by the next write.
  std::optional<std::string> unreadable{};
};

// An Idempotency-Key of one user, as the ledger keeps it: written with the effect, read under the
// cart's lock.
using KeyHash = std::array<std::uint8_t, 32>;     // SHA-256 of the key
using Fingerprint = std::array<std::uint8_t, 32>; // SHA-256 of method, path and body
struct KeyRef {
  UserId user;
  KeyHash key{};
  friend auto operator<=>(const KeyRef&, const KeyRef&) = default;
};
struct StoredKey {
  KeyRef ref;
  Fingerprint fingerprint{};
  std::string answer; // commit/receipt.hpp: encode(); at most 200 bytes, printable ASCII
};

struct OpenRequest {
  // The lane whose row is marked (locked FOR UPDATE, made when absent). nullopt: upkeep, which only
  // locks carts.
  std::optional<LaneKey> lane;
  // Carts to open, in user_id order, each once. Locked with SKIP LOCKED, but for those that a
  // ledger knows to be the lane's (Opened::carts).
  struct Wanted {
    UserId user;
    // Unknown users get a tombstone row (version 0) with this id, so that there is something to
    // lock. nullopt: an unknown user stays unknown.
    std::optional<CartId> fresh_id;
  };
  std::vector<Wanted> wanted;
  std::vector<KeyRef> keys;
  // Also ask which of `wanted` have a lag row: it costs the ledger as much as a few carts.
  bool lag_too = false;
};

struct Opened {
  LedgerTime now{};
  std::optional<LaneRow>
      own; // of OpenRequest::lane as it was; nullopt: there was none (one was inserted, empty)
  // In user_id order. Locked; or not, but in the own row's `reserved` since this ledger's last
  // commit(), so that nobody else changes it: commit() writes it only over the version that stands
  // here, and is a store_conflict otherwise.
  std::vector<CartRow> carts;
  std::vector<UserId>
      skipped; // known, but locked by somebody else; a wanted user in neither list is unknown
  std::vector<LaneRow>
      others; // every OTHER lane's row with a token, read by a statement later than the locks
  Version floor = 0;           // no new version at or below this; read after the locks
  std::vector<UserId> lagging; // if OpenRequest::lag_too; in any order; read after the locks
  std::vector<StoredKey> keys; // of OpenRequest::keys, those that are there; read after the locks
};

// What one transaction writes. Every cart named here is one of Opened::carts.
struct Writes {
  std::vector<CartRow> carts; // replace content, version, token, exists, updated_at (created_at
                              // when it revives); each has a token that its row has not had
  std::vector<Listed> lag;    // lag rows; of two for one cart the greater version stays
  std::vector<Listed>
      lag_done; // lag rows to remove, where the row's version is not greater than this
  std::vector<StoredKey> keys; // an existing key is left as it is
  std::vector<Listed>
      purge; // tombstones to delete, if still deleted and at this version; raises the floor
  std::optional<LaneRow> row; // the lane's new row; set exactly if OpenRequest::lane was
};

struct Lagging {
  CartRow row;             // the visible cart
  Version lag_version = 0; // the mirror must reach at least this
};

class Ledger {
public:
  virtual ~Ledger() = default;

  // BEGIN, mark, lock, look. On error there is no transaction: store_conflict (run again),
  // store_unreachable, store_timeout, store_denied, store_rejected, schema_unmigrated.
  [[nodiscard]] virtual Result<Opened> open(const OpenRequest& request) = 0;
  // Writes and COMMIT. store_conflict, store_rejected, store_unreachable, store_timeout,
  // store_denied: certainly not committed, the transaction is gone. commit_unknown: COMMIT was sent
  // and nobody answered; see last_batch().
  [[nodiscard]] virtual Result<void> commit(const Writes& writes) = 0;
  // Gives up the open transaction, if any. Never fails: a connection that cannot roll back is
  // closed.
  virtual void rollback() noexcept = 0;

  // After commit_unknown: on a new connection, last_batch of this lane's row FOR UPDATE, which
  // waits for the old transaction to end. nullopt: the row is gone, so nobody knows.
  // store_conflict: still undecided, ask again.
  [[nodiscard]] virtual Result<std::optional<std::int64_t>> last_batch(const LaneKey& lane) = 0;

  // Visible carts, tombstones included, in any order; unknown users are left out. At most 512
  // users.
  [[nodiscard]] virtual Result<std::vector<CartRow>> read(std::span<const UserId> users) = 0;

  // --- upkeep; each a statement or transaction of its own ---
  // The answer to "are you there and am I allowed to write"; also the ledger's clock.
  [[nodiscard]] virtual Result<LedgerTime> ping() = 0;
  // Plain read of every lane's row, empty ones included.
  [[nodiscard]] virtual Result<std::vector<LaneRow>> lanes() = 0;
  // Deletes rows without a token whose heartbeat is older than this. Returns how many.
  [[nodiscard]] virtual Result<int> delete_dead_lanes(LedgerTime heartbeat_before) = 0;
  // Carts with a lag row, in user_id order after `after` (nullopt: from the start), at most limit.
  // A lag row whose cart row is gone is deleted on the way.
  [[nodiscard]] virtual Result<std::vector<Lagging>> lagging(const std::optional<UserId>& after,
                                                             int limit) = 0;
  [[nodiscard]] virtual Result<std::int64_t> lag_count() = 0;
  // Removes lag rows whose version is not greater than the given one.
  [[nodiscard]] virtual Result<void> lag_done(std::span<const Listed> done) = 0;
  // Adds lag rows for these carts at their visible version, or at the given one if that is greater.
  [[nodiscard]] virtual Result<void> add_lag(std::span<const Listed> behind) = 0;
  // Tombstones with version > 0 or not, deleted before this, without a lag row; at most limit.
  [[nodiscard]] virtual Result<std::vector<CartRow>> purgeable(LedgerTime deleted_before,
                                                               int limit) = 0;
  // Existing carts not written since this; at most limit.
  [[nodiscard]] virtual Result<std::vector<CartRow>> untouched(LedgerTime updated_before,
                                                               int limit) = 0;
  // Deletes idempotency keys written before this, at most limit. Returns how many.
  [[nodiscard]] virtual Result<int> purge_keys(LedgerTime written_before, int limit) = 0;
  // All carts, tombstones included, in user_id order (byte order) after `after`; at most limit. For
  // verify.
  [[nodiscard]] virtual Result<std::vector<CartRow>> scan(const std::optional<UserId>& after,
                                                          int limit) = 0;
  // The user_id of rows whose user_id is no identifier, so that no request can name them: a hand
  // made them. No other call returns them. Those after `after` up to `until` (nullopt: from the
  // start, to the end); at most limit.
  [[nodiscard]] virtual Result<std::vector<std::string>>
  misnamed(const std::optional<UserId>& after, const std::optional<UserId>& until, int limit) = 0;
};

// Where connections come from. Thread-safe.
class LedgerStore {
public:
  virtual ~LedgerStore() = default;
  // "mariadb" or "sqlite_ledger": the name in health and metrics.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Brings the schema up to date (schema/*). schema_unmigrated: a table `panier` without `version`
  // is the predecessor's, nothing was changed.
  [[nodiscard]] virtual Result<void> prepare() = 0;
  // A new connection object; connects at its first use, so this cannot fail.
  [[nodiscard]] virtual std::unique_ptr<Ledger> connect() = 0;
  // The same for a lane, which uses only what lanes do, above; a store may have its lanes take
  // turns, from open() to commit() or rollback(). Who waits too long gets store_conflict.
  [[nodiscard]] virtual std::unique_ptr<Ledger> connect_lane() { return connect(); }
  // True if one process at a time owns this ledger (SQLite), so that all lists found at start are
  // of the dead.
  [[nodiscard]] virtual bool exclusive() const noexcept = 0;
};

} // namespace panier::commit
