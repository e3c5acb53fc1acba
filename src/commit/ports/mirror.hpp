// The mirror: the second copy. One Mirror is one client; it is used by one thread at a time and
// re-connects by itself. It only ever takes guarded writes: a document never goes back to an older
// version. None of the calls throws.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "commit/ports/ledger.hpp"

namespace panier::commit {

// One guarded write: `update {user_id, version: {$not: {$gte: version}}}`, $set .., $setOnInsert
// {_id}, upsert.
struct MirrorWrite {
  UserId user;
  cart::Cart cart{}; // id, version, exists (false: deleted_at is set), lines
  std::uint32_t id_maria = 0;
  Token token{};
  LedgerTime updated_at{};
};

// What became of one write of a bulk.
enum class Took : std::uint8_t {
  held,    // the mirror has it, durable on a majority
  refused, // duplicate key: the guard refused (the mirror holds this version or a higher one) or an
           // upsert collided
  failed,  // the mirror said no to this one, and would again (document refused)
  unknown, // an answer that cannot be trusted, or an error that does not say
};

struct MirrorDoc {
  CartId id; // _id
  UserId user;
  Version version = 0; // 0: the document carries none (a hand edit, the predecessor's)
  Token token;         // all zero when absent or unreadable
  std::uint32_t id_maria = 0;
  bool exists = true; // no deleted_at
  bool readable =
      true; // false: lines could not be read (types changed by hand); lines is empty then
  std::vector<cart::Line> lines;
  bool as_written = true; // false: a field other than the lines has a type that we never write
};

enum class IndexState : std::uint8_t { present, built, missing };

class Mirror {
public:
  using Timeout = std::chrono::milliseconds; // counted from the send, connecting included

  virtual ~Mirror() = default;

  // ONE unordered bulk of guarded writes, w: majority, j: true. The answer has one entry per write,
  // in order. An error (store_unreachable, store_timeout, store_denied) says: nothing is known of
  // any of them.
  [[nodiscard]] virtual Result<std::vector<Took>> write(std::span<const MirrorWrite> writes,
                                                        Timeout timeout) = 0;
  // The documents of these users, readConcern majority, from the primary; in any order, unknown
  // users left out. At most 512 users.
  [[nodiscard]] virtual Result<std::vector<MirrorDoc>> find(std::span<const UserId> users,
                                                            Timeout timeout) = 0;

  // --- upkeep ---
  // Would a write be answered now? Asks for all that write() does, the majority included, and
  // changes nothing.
  [[nodiscard]] virtual Result<void> ping(Timeout timeout) = 0;
  // The unique index user_id_1; built when it is missing and `build` is set. Also says whether a
  // strict write may be acknowledged: without the index, two documents of one user are possible.
  [[nodiscard]] virtual Result<IndexState> ensure_index(bool build, Timeout timeout) = 0;
  // Removes the document of this user if it is at exactly this version; true if it is gone now
  // (also: was not there). false: it is at another version.
  [[nodiscard]] virtual Result<bool> purge(const UserId& user, Version version,
                                           Timeout timeout) = 0;
  // Removes one document by _id (a foreign or duplicate one).
  [[nodiscard]] virtual Result<void> remove(const CartId& id, Timeout timeout) = 0;
  // Removes what stands in the way of this cart's own document, readable or not: others with this
  // _id, and others of this user. Never the one with both.
  [[nodiscard]] virtual Result<void> clear_way(const UserId& user, const CartId& id,
                                               Timeout timeout) = 0;
  // All documents in user_id order (byte order) after `after`; at most limit. Documents whose
  // user_id or _id cannot be read are counted in `unreadable`. For verify.
  struct Page {
    std::vector<MirrorDoc> docs;
    std::optional<UserId> next; // where to go on; nullopt: that was all
    int unreadable = 0;
  };
  [[nodiscard]] virtual Result<Page> scan(const std::optional<UserId>& after, int limit,
                                          Timeout timeout) = 0;
};

// Where clients come from. Thread-safe.
class MirrorStore {
public:
  virtual ~MirrorStore() = default;
  // "mongodb" or "sqlite_mirror": the name in health and metrics.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // A new client; connects at its first use, so this cannot fail.
  [[nodiscard]] virtual std::unique_ptr<Mirror> connect() = 0;
  // The same for a lane; a store may have its lanes take turns, which counts into their timeouts.
  [[nodiscard]] virtual std::unique_ptr<Mirror> connect_lane() { return connect(); }
};

} // namespace panier::commit
