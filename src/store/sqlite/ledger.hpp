// The ledger in a SQLite file. One writer at a time holds for the whole file, so a lane's open()
// takes that lock and nothing is ever skipped: who waits, waits for the whole transaction, at most
// the lock wait. Lanes share one connection besides (shared_connection.hpp): a lane waits so long
// for the other lanes, then so long for whoever else writes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "commit/ports/ledger.hpp"
#include "runtime/clock.hpp"
#include "store/sqlite/shared_connection.hpp"
#include "store/sqlite/stores.hpp"

namespace panier::store::sqlite {

[[nodiscard]] std::filesystem::path ledger_file(const Settings& settings);

class SqliteLedger final : public commit::Ledger {
public:
  SqliteLedger(Settings settings, const runtime::Clock& clock,
               std::shared_ptr<SharedConnection> connection)
      : settings_(std::move(settings)), clock_(clock), connection_(std::move(connection)) {}
  // Rolls back: the connection may have other users.
  ~SqliteLedger() override { rollback(); }
  SqliteLedger(const SqliteLedger&) = delete;
  SqliteLedger& operator=(const SqliteLedger&) = delete;

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
  // Its turn at the connection, made when there is none or the last one broke.
  Result<SharedConnection::Turn> connected();
  // `work` as one transaction of its own, rolled back when it fails.
  Result<void> transact(const std::function<Result<void>(Connection&)>& work);

  const Settings settings_;
  const runtime::Clock& clock_;
  const std::shared_ptr<SharedConnection> connection_;
  std::optional<SharedConnection::Turn> open_; // between open() and commit() or rollback()
};

} // namespace panier::store::sqlite
