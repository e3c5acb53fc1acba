// One connection to the MariaDB ledger. A lane's transaction is two round trips: open() is one
// packet (BEGIN, mark, lock, look), commit() another (all writes and COMMIT). Only users that the
// ledger does not know yet, and a lane's very first transaction, take more.
#pragma once

#include "commit/ports/ledger.hpp"
#include "store/mariadb/session.hpp"
#include "store/mariadb/statements.hpp"

namespace panier::store::mariadb {

class MariadbLedger final : public commit::Ledger {
public:
  MariadbLedger(const Settings& settings, std::shared_ptr<Resolver> resolver);
  ~MariadbLedger() override;

  Result<commit::Opened> open(const commit::OpenRequest& request) override;
  Result<void> commit(const commit::Writes& writes) override;
  void rollback() noexcept override;
  Result<std::optional<std::int64_t>> last_batch(const commit::LaneKey& lane) override;
  Result<std::vector<commit::CartRow>> read(std::span<const commit::UserId> users) override;

  Result<commit::LedgerTime> ping() override;
  Result<std::vector<commit::LaneRow>> lanes() override;
  Result<int> delete_dead_lanes(commit::LedgerTime heartbeat_before) override;
  Result<std::vector<commit::Lagging>> lagging(const std::optional<commit::UserId>& after,
                                               int limit) override;
  Result<std::int64_t> lag_count() override;
  Result<void> lag_done(std::span<const commit::Listed> done) override;
  Result<void> add_lag(std::span<const commit::Listed> behind) override;
  Result<std::vector<commit::CartRow>> purgeable(commit::LedgerTime deleted_before,
                                                 int limit) override;
  Result<std::vector<commit::CartRow>> untouched(commit::LedgerTime updated_before,
                                                 int limit) override;
  Result<int> purge_keys(commit::LedgerTime written_before, int limit) override;
  Result<std::vector<commit::CartRow>> scan(const std::optional<commit::UserId>& after,
                                            int limit) override;
  Result<std::vector<std::string>> misnamed(const std::optional<commit::UserId>& after,
                                            const std::optional<commit::UserId>& until,
                                            int limit) override;

private:
  enum class Mark : std::uint8_t { lock, insert }; // the lane's row: there already, or not yet
  [[nodiscard]] Result<commit::Opened> open_once(const commit::OpenRequest& request, Mark how,
                                                 std::vector<commit::CartRow> listed);
  [[nodiscard]] Result<void> take_mark(Mark how, commit::Opened& opened);
  [[nodiscard]] Result<void> take_carts(commit::Opened& opened);
  [[nodiscard]] Result<void> take_look(const commit::OpenRequest& request, commit::Opened& opened);
  [[nodiscard]] Result<void> sort_out(const commit::OpenRequest& request,
                                      std::span<const Wanted> missing, commit::Opened& opened);
  [[nodiscard]] Result<void> add_fresh(const commit::OpenRequest& request,
                                       std::span<const Wanted> fresh, commit::Opened& opened);
  [[nodiscard]] Result<void> take_insert_warnings();
  [[nodiscard]] Result<void> send_commit(const Sql& sql);
  [[nodiscard]] std::unexpected<Error> not_committed(Error error, bool at_commit);

  [[nodiscard]] Result<void> run_all(const Sql& sql);
  [[nodiscard]] Result<std::vector<commit::CartRow>> carts(const Sql& sql);
  [[nodiscard]] Result<std::int64_t> end_of_window(std::int64_t after);

  // Of the thread that uses the ledger.
  Session session_;
  bool open_ = false; // between open() and commit() or rollback()
  bool lane_open_ = false;
  std::vector<commit::CartRow> seen_; // the open transaction's carts as it found them, by user_id
  bool unlocked_ = false;             // some of them are taken from listed_
  // Carts that the lane's row lists as reserved since the last COMMIT, as they are, by user_id.
  // While the row carries this token nobody else changes them (they park them, or abort the list
  // first, token and all), so the next transaction neither reads nor locks them: its bulk statement
  // locks each, and writes it only over the version that stands here.
  std::vector<commit::CartRow> listed_;
  std::optional<commit::Token> listed_token_;
  int lock_all_ = 0;                 // so many transactions read and lock them all the same
  std::int64_t untouched_after_ = 0; // id_maria: where untouched() goes on
};

} // namespace panier::store::mariadb
