// Reads, coalesced: one SELECT .. IN (..) for all that queued while the last one ran. While the
// ledger does not answer, the mirror does, and the view says so. One thread, one connection to each
// store.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "commit/receipt.hpp"
#include "runtime/store_state.hpp"

namespace panier::commit {

class Reader {
public:
  static constexpr std::chrono::milliseconds mirror_timeout{1'500};

  // The states outlive the reader. `mirror` is nullptr for PANIER_MIRROR=none.
  Reader(const runtime::Clock& clock, runtime::StoreState& ledger_state,
         runtime::StoreState& mirror_state, std::unique_ptr<Ledger> ledger,
         std::unique_ptr<Mirror> mirror, std::size_t queue_max);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Answers exactly once: at once with overloaded when the queue is full or shutting_down after
  // close().
  void submit(UserId user, ReadDone done);

  // One round: all that is queued now, at most read_users_max carts. false: nothing was queued.
  bool run_once();
  // Rounds until close() and the queue is empty.
  void run();
  void close();

private:
  struct Pending {
    UserId user;
    ReadDone done;
  };
  struct Views {
    std::vector<View> found;
    bool degraded = false; // who is not among them is not in the mirror; the ledger may know them
  };
  [[nodiscard]] Result<Views> from_ledger(std::span<const UserId> users);
  [[nodiscard]] Result<Views> from_mirror(std::span<const UserId> users, const Error& why);

  // set once
  const runtime::Clock& clock_;
  runtime::StoreState& ledger_state_;
  runtime::StoreState& mirror_state_;
  const std::size_t queue_max_;

  // the reader's thread alone
  const std::unique_ptr<Ledger> ledger_;
  const std::unique_ptr<Mirror> mirror_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Pending> queue_; // guarded by mutex_
  bool closed_ = false;        // guarded by mutex_
};

} // namespace panier::commit
