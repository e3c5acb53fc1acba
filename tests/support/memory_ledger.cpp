#include "support/memory_ledger.hpp"

#include <algorithm>

namespace panier::test {

using commit::CartRow;
using commit::Lagging;
using commit::LaneKey;
using commit::LaneRow;
using commit::LedgerTime;
using commit::Listed;
using commit::Opened;
using commit::OpenRequest;
using commit::StoredKey;
using commit::UserId;
using commit::Writes;

class MemoryLedgerStore::Connection final : public commit::Ledger {
public:
  explicit Connection(MemoryLedgerStore& store) : store_(store) {}
  ~Connection() override {
    {
      std::lock_guard lock(store_.mutex_);
      if (transaction_ && !transaction_->ended && store_.orphan_)
        store_.orphans_.push_back(std::exchange(transaction_, nullptr));
    }
    rollback();
  }

  Result<Opened> open(const OpenRequest& request) override {
    rollback();
    const auto fault = store_.faults.begin(LedgerCall::open);
    if (fault && !fault->effect) return std::unexpected(fault->error);
    transaction_ = std::make_shared<Transaction>();
    {
      std::lock_guard lock(store_.mutex_);
      std::erase_if(store_.open_, [](const auto& open) { return open.expired(); });
      store_.open_.push_back(transaction_);
    }
    auto opened = store_.begin(request, *transaction_);
    store_.faults.pause(LedgerCall::open);
    if (fault) opened = std::unexpected(fault->error);
    if (!opened) rollback();
    return opened;
  }

  Result<void> commit(const Writes& writes) override {
    if (!transaction_) return fail(Errc::store_unreachable, "no transaction is open");
    const auto fault = store_.faults.begin(LedgerCall::commit);
    auto done = end(writes, fault);
    store_.faults.pause(LedgerCall::commit);
    return done;
  }

  void rollback() noexcept override {
    if (!transaction_) return;
    std::lock_guard lock(store_.mutex_);
    if (!transaction_->ended) store_.release(*transaction_);
    transaction_.reset();
  }

  Result<std::optional<std::int64_t>> last_batch(const LaneKey& lane) override {
    rollback();
    return call(LedgerCall::last_batch, [&]() -> Result<std::optional<std::int64_t>> {
      if (store_.locked_lanes_.contains(lane))
        return fail(Errc::store_conflict, "the lane's row is locked");
      const auto it = state().lanes.find(lane);
      if (it == state().lanes.end()) return std::nullopt;
      return it->second.last_batch;
    });
  }

  Result<std::vector<CartRow>> read(std::span<const UserId> users) override {
    return call(LedgerCall::read, [&]() -> Result<std::vector<CartRow>> {
      std::vector<CartRow> rows;
      for (const auto& user : users) {
        const auto it = state().carts.find(user);
        if (it != state().carts.end()) rows.push_back(it->second);
      }
      return rows;
    });
  }

  Result<LedgerTime> ping() override {
    return call(LedgerCall::ping, [&]() -> Result<LedgerTime> { return store_.now(); });
  }

  Result<std::vector<LaneRow>> lanes() override {
    return call(LedgerCall::lanes, [&]() -> Result<std::vector<LaneRow>> {
      std::vector<LaneRow> rows;
      for (const auto& [key, row] : state().lanes)
        rows.push_back(row);
      return rows;
    });
  }

  Result<int> delete_dead_lanes(LedgerTime heartbeat_before) override {
    return call(LedgerCall::delete_dead_lanes, [&]() -> Result<int> {
      return static_cast<int>(std::erase_if(state().lanes, [&](const auto& lane) {
        return !lane.second.token && lane.second.heartbeat < heartbeat_before &&
               !store_.locked_lanes_.contains(lane.first);
      }));
    });
  }

  Result<std::vector<Lagging>> lagging(const std::optional<UserId>& after, int limit) override {
    return call(LedgerCall::lagging, [&]() -> Result<std::vector<Lagging>> {
      std::erase_if(state().lag,
                    [&](const auto& lag) { return !state().carts.contains(lag.first); });
      std::vector<Lagging> page;
      for (const auto& [user, version] : state().lag) {
        if (after && user <= *after) continue;
        if (page.size() == static_cast<std::size_t>(limit)) break;
        page.push_back({state().carts.at(user), version});
      }
      return page;
    });
  }

  Result<std::int64_t> lag_count() override {
    return call(LedgerCall::lag_count, [&]() -> Result<std::int64_t> {
      return static_cast<std::int64_t>(state().lag.size());
    });
  }

  Result<void> lag_done(std::span<const Listed> done) override {
    return call(LedgerCall::lag_done, [&]() -> Result<void> {
      for (const auto& [user, version] : done) {
        const auto it = state().lag.find(user);
        if (it != state().lag.end() && it->second <= version) state().lag.erase(it);
      }
      return {};
    });
  }

  Result<void> add_lag(std::span<const Listed> behind) override {
    return call(LedgerCall::add_lag, [&]() -> Result<void> {
      for (const auto& [user, version] : behind) {
        const auto cart = state().carts.find(user);
        if (cart == state().carts.end()) continue;
        auto& lag = state().lag[user];
        lag = std::max({lag, version, cart->second.cart.version});
      }
      return {};
    });
  }

  Result<std::vector<CartRow>> purgeable(LedgerTime deleted_before, int limit) override {
    return select(LedgerCall::purgeable, limit, [&](const CartRow& row) {
      return !row.cart.exists && row.updated_at < deleted_before && !state().lag.contains(row.user);
    });
  }

  Result<std::vector<CartRow>> untouched(LedgerTime updated_before, int limit) override {
    return select(LedgerCall::untouched, limit, [&](const CartRow& row) {
      return row.cart.exists && row.updated_at < updated_before;
    });
  }

  Result<int> purge_keys(LedgerTime written_before, int limit) override {
    return call(LedgerCall::purge_keys, [&]() -> Result<int> {
      int purged = 0;
      std::erase_if(state().keys, [&](const auto& key) {
        return key.second.written_at < written_before && purged < limit && ++purged > 0;
      });
      return purged;
    });
  }

  Result<std::vector<CartRow>> scan(const std::optional<UserId>& after, int limit) override {
    return select(LedgerCall::scan, limit,
                  [&](const CartRow& row) { return !after || row.user > *after; });
  }

  Result<std::vector<std::string>> misnamed(const std::optional<UserId>& after,
                                            const std::optional<UserId>& until,
                                            int limit) override {
    return call(LedgerCall::misnamed, [&]() -> Result<std::vector<std::string>> {
      std::vector<std::string> found;
      for (const auto& name : state().misnamed) {
        if ((after && name <= after->text()) || (until && name > until->text())) continue;
        if (found.size() < static_cast<std::size_t>(limit)) found.push_back(name);
      }
      return found;
    });
  }

private:
  Result<void> end(const Writes& writes, const std::optional<Fault>& fault) {
    std::lock_guard lock(store_.mutex_);
    const auto transaction = std::exchange(transaction_, nullptr);
    if (transaction->ended)
      return fail(Errc::store_unreachable, "the server ended the transaction");
    if (fault && fault->hanging) {
      store_.hanging_.emplace_back(transaction, writes);
      return std::unexpected(fault->error);
    }
    Result<void> done = store_.check(*transaction, writes);
    if (done && fault && !fault->effect) done = std::unexpected(fault->error);
    if (done) store_.apply(*transaction, writes);
    store_.release(*transaction);
    if (done && fault) return std::unexpected(fault->error);
    return done;
  }

  // One call: what the test does to it, then its work under the store's mutex.
  template <class Work>
  std::invoke_result_t<Work> call(LedgerCall what, Work work) {
    const auto fault = store_.faults.begin(what);
    if (fault && !fault->effect) return std::unexpected(fault->error);
    auto result = [&] {
      std::lock_guard lock(store_.mutex_);
      return work();
    }();
    store_.faults.pause(what);
    if (fault) return std::unexpected(fault->error);
    return result;
  }

  template <class Wanted>
  Result<std::vector<CartRow>> select(LedgerCall what, int limit, Wanted wanted) {
    return call(what, [&]() -> Result<std::vector<CartRow>> {
      std::vector<CartRow> rows;
      for (const auto& [user, row] : state().carts) {
        if (rows.size() == static_cast<std::size_t>(limit)) break;
        if (wanted(row)) rows.push_back(row);
      }
      return rows;
    });
  }

  State& state() { return store_.state_; } // with the store's mutex held

  MemoryLedgerStore& store_;
  TransactionPtr transaction_; // between open() and commit() or rollback()
};

MemoryLedgerStore::~MemoryLedgerStore() = default;

Result<void> MemoryLedgerStore::prepare() {
  if (auto fault = faults.begin(LedgerCall::prepare)) return std::unexpected(fault->error);
  return {};
}

std::unique_ptr<commit::Ledger> MemoryLedgerStore::connect() {
  return std::make_unique<Connection>(*this);
}

MemoryLedgerStore::State MemoryLedgerStore::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void MemoryLedgerStore::edit(const std::function<void(State&)>& change) {
  std::lock_guard lock(mutex_);
  change(state_);
}

void MemoryLedgerStore::refuse_rows(std::function<bool(const CartRow&)> refused) {
  std::lock_guard lock(mutex_);
  refused_ = std::move(refused);
}

void MemoryLedgerStore::decide_hanging(bool committed) {
  std::lock_guard lock(mutex_);
  for (const auto& [transaction, writes] : hanging_) {
    if (committed && check(*transaction, writes)) apply(*transaction, writes);
    release(*transaction);
  }
  hanging_.clear();
}

void MemoryLedgerStore::end_open_transactions() {
  std::lock_guard lock(mutex_);
  for (const auto& open : open_) {
    const auto transaction = open.lock();
    const auto hangs = [&](const auto& hanging) { return hanging.first == transaction; };
    if (!transaction || transaction->ended || std::ranges::any_of(hanging_, hangs)) continue;
    transaction->ended = true;
    release(*transaction);
  }
  open_.clear();
}

void MemoryLedgerStore::orphan_on_disconnect(bool on) {
  std::lock_guard lock(mutex_);
  orphan_ = on;
}

void MemoryLedgerStore::release_orphans() {
  std::lock_guard lock(mutex_);
  for (const auto& transaction : orphans_) {
    if (!std::exchange(transaction->ended, true)) release(*transaction);
  }
  orphans_.clear();
}

void MemoryLedgerStore::observe(Observer observer) {
  std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

} // namespace panier::test
