#include "commit/reader.hpp"

#include "commit/limits.hpp"

namespace panier::commit {

Reader::Reader(const runtime::Clock& clock, runtime::StoreState& ledger_state,
               runtime::StoreState& mirror_state, std::unique_ptr<Ledger> ledger,
               std::unique_ptr<Mirror> mirror, std::size_t queue_max)
    : clock_(clock), ledger_state_(ledger_state), mirror_state_(mirror_state),
      queue_max_(queue_max), ledger_(std::move(ledger)), mirror_(std::move(mirror)) {}

Reader::~Reader() {
  for (auto& pending : queue_)
    pending.done(fail(Errc::shutting_down));
}

void Reader::submit(UserId user, ReadDone done) {
  Errc refusal{};
  {
    std::lock_guard lock(mutex_);
    if (!closed_ && queue_.size() < queue_max_) {
      queue_.push_back({std::move(user), std::move(done)});
      if (queue_.size() == 1) changed_.notify_one();
      return;
    }
    refusal = closed_ ? Errc::shutting_down : Errc::overloaded;
  }
  done(fail(refusal, "the read queue takes no more"));
}

bool Reader::run_once() {
  std::vector<Pending> batch;
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() <= read_users_max) {
      batch.swap(queue_);
    } else {
      const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(read_users_max);
      batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
      queue_.erase(queue_.begin(), end);
    }
  }
  if (batch.empty()) return false;
  std::vector<UserId> users;
  users.reserve(batch.size());
  for (const auto& pending : batch)
    users.push_back(pending.user);
  std::ranges::sort(users);
  const auto repeated = std::ranges::unique(users);
  users.erase(repeated.begin(), repeated.end());

  const auto views = from_ledger(users);
  std::unordered_map<std::string_view, const View*> found;
  if (views) {
    for (const auto& view : views->found)
      found.emplace(view.user.text(), &view);
  }
  for (auto& pending : batch) {
    if (!views) {
      pending.done(std::unexpected(views.error()));
      continue;
    }
    const auto it = found.find(pending.user.text());
    if (it == found.end() || !it->second->cart.exists)
      pending.done(fail(views->degraded ? Errc::cart_not_in_mirror : Errc::cart_not_found));
    else if (!it->second->readable)
      pending.done(
          fail(Errc::internal, "the stored cart of " + pending.user.text() + " cannot be read"));
    else
      pending.done(*it->second);
  }
  return true;
}

void Reader::run() {
  while (true) {
    if (run_once()) continue;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_ && queue_.empty()) return;
  }
}

void Reader::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

Result<Reader::Views> Reader::from_ledger(std::span<const UserId> users) {
  if (!ledger_state_.readable()) {
    const auto state = ledger_state_.snapshot();
    return from_mirror(
        users,
        {Errc::store_unreachable, {}, state.notice.empty() ? state.last_error : state.notice});
  }
  const auto started = clock_.steady();
  auto rows = ledger_->read(users);
  if (!rows) {
    // Somebody changes the table: it is over in a moment, and says nothing of the ledger.
    if (rows.error().code != Errc::store_conflict) ledger_state_.failed(rows.error());
    return from_mirror(users, rows.error());
  }
  ledger_state_.answered(
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - started));
  Views views{.found = {}, .degraded = false};
  views.found.reserve(rows->size());
  for (auto& row : *rows)
    views.found.push_back(
        {std::move(row.user), std::move(row.cart), row.id_maria, false, !row.unreadable});
  return views;
}

Result<Reader::Views> Reader::from_mirror(std::span<const UserId> users, const Error& why) {
  if (!mirror_) return fail(Errc::ledger_unavailable, why.detail);
  if (mirror_state_.down()) return fail(Errc::stores_unavailable, why.detail);
  const auto started = clock_.steady();
  const auto docs = mirror_->find(users, mirror_timeout);
  if (!docs) {
    mirror_state_.failed(docs.error());
    return fail(Errc::stores_unavailable, why.detail + "; " + docs.error().detail);
  }
  mirror_state_.answered(
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - started));
  Views views{.found = {}, .degraded = true};
  for (const auto& doc : *docs) {
    if (!doc.readable) continue; // changed by hand: not shown without the ledger's word
    views.found.push_back(
        {doc.user, {doc.id, doc.version, doc.exists, doc.lines}, doc.id_maria, true});
  }
  return views;
}

} // namespace panier::commit
