#include "upkeep/lag_repair.hpp"

#include "commit/abort.hpp"
#include "runtime/log.hpp"
#include "upkeep/limits.hpp"
#include "upkeep/one_cart.hpp"

namespace panier::upkeep {
namespace {

commit::MirrorWrite mirror_write(const commit::CartRow& row) {
  return {row.user, row.cart, row.id_maria, row.token, row.updated_at};
}

} // namespace

Result<std::int64_t> LagRepair::run_once() {
  const auto mark = stores_.mirror_state.behind_mark();
  auto left = stores_.ledger->lag_count();
  if (!left) return left;
  if (*left > 0)
    stores_.mirror_state.fell_behind();
  else
    stores_.mirror_state.caught_up(mark);
  stores_.metrics.lag_carts(*left);
  if (*left == 0 || !stores_.mirror_state.takes_writes()) return left;
  std::optional<commit::UserId> after;
  for (int page_number = 0; page_number < lag_pages_max; ++page_number) {
    const auto read_at = stores_.clock.steady();
    auto page = stores_.ledger->lagging(after, lag_page_carts);
    if (!page) return std::unexpected(page.error());
    if (page->empty()) break;
    after = page->back().row.user;
    const bool last = page->size() < static_cast<std::size_t>(lag_page_carts);
    std::erase_if(*page, [&](const commit::Lagging& lagging) {
      if (lagging.row.unreadable)
        return true; // verify tells; an empty cart in its place would be a lie
      const auto it = backoff_.find(lagging.row.user);
      return it != backoff_.end() && it->second.retry_at > read_at;
    });
    if (const auto done = repair(std::move(*page), read_at); !done)
      return std::unexpected(done.error());
    if (last || !stores_.mirror_state.takes_writes() || !go_on_()) break;
  }
  left = stores_.ledger->lag_count();
  if (left) stores_.metrics.lag_carts(*left);
  return left;
}

Result<void> LagRepair::repair(std::vector<commit::Lagging> page, runtime::SteadyTime read_at) {
  if (const auto raised = raise_lost_versions(page); !raised) return raised;
  if (page.empty()) return {};
  std::vector<commit::MirrorWrite> writes;
  writes.reserve(page.size());
  for (const auto& lagging : page)
    writes.push_back(mirror_write(lagging.row));
  // A thread that slept through a purge would insert a cart that no longer exists.
  if (stores_.clock.steady() - read_at >= stores_.reservation_ttl) return {};
  const auto took = stores_.mirror->write(writes, stores_.mirror_timeout);
  if (!took) {
    stores_.mirror_state.write_failed(took.error(), read_at);
    return {};
  }
  if (std::ranges::find(*took, commit::Took::held) != took->end()) {
    stores_.mirror_state.wrote(
        std::chrono::duration_cast<std::chrono::microseconds>(stores_.clock.steady() - read_at));
  }
  std::vector<commit::Listed> done;
  std::vector<commit::Lagging> doubtful;
  for (std::size_t i = 0; i < page.size(); ++i) {
    const auto& row = page[i].row;
    if ((*took)[i] == commit::Took::held) {
      done.push_back({row.user, row.cart.version});
      backoff_.erase(row.user);
    } else if ((*took)[i] == commit::Took::failed) {
      back_off(row.user);
    } else {
      doubtful.push_back(std::move(page[i]));
    }
  }
  if (!done.empty()) {
    if (const auto removed = stores_.ledger->lag_done(done); !removed) return removed;
  }
  return doubtful.empty() ? Result<void>{} : look_closer(doubtful);
}

// A lag row above its cart: the version that it names went with what a restored backup did not
// have. No write of the cart as it is would ever reach it.
Result<void> LagRepair::raise_lost_versions(std::vector<commit::Lagging>& page) {
  Result<void> outcome;
  std::erase_if(page, [&](const commit::Lagging& lagging) {
    if (lagging.lag_version <= lagging.row.cart.version) return false;
    if (auto raised = raise_above(lagging.row, lagging.lag_version, {}); !raised) {
      if (raised.error().code == Errc::store_rejected)
        back_off(lagging.row.user);
      else
        outcome = std::move(raised);
    }
    return true;
  });
  return outcome;
}

// The guard refused: the mirror holds this very version already, or a higher one. Or the answer
// says nothing of this write (a server that ends a bulk at its first error), and whoever only tried
// again would be told the same again, later and later.
Result<void> LagRepair::look_closer(const std::vector<commit::Lagging>& doubtful) {
  std::vector<commit::UserId> users;
  users.reserve(doubtful.size());
  for (const auto& lagging : doubtful)
    users.push_back(lagging.row.user);
  const auto docs = stores_.mirror->find(users, stores_.mirror_timeout);
  if (!docs) {
    stores_.mirror_state.failed(docs.error());
    return {};
  }
  std::vector<commit::Listed> done;
  for (const auto& lagging : doubtful) {
    const auto& row = lagging.row;
    const auto doc = std::ranges::find(*docs, row.user, &commit::MirrorDoc::user);
    if (doc == docs->end()) { // another document is in its way, or it went meanwhile
      if (const auto cleared = clear_way(row); !cleared) return cleared;
      back_off(row.user);
      continue;
    }
    if (doc->version == row.cart.version && doc->token == row.token) {
      done.push_back({row.user, row.cart.version});
      backoff_.erase(row.user);
      continue;
    }
    if (doc->version < row.cart.version) {
      back_off(row.user);
      continue;
    }
    const auto raised = raise_above(row, doc->version, doc->token);
    if (raised) continue;
    if (raised.error().code != Errc::store_rejected) return raised;
    back_off(row.user); // the ledger answers, it is this row that it refuses
  }
  if (done.empty()) return {};
  return stores_.ledger->lag_done(done);
}

// "Ahead" counts only in a transaction that holds the cart and sees it in no lane's list: the
// mirror may rightly hold a reserved version. Then the ledger's content goes above whatever the
// mirror has.
Result<void> LagRepair::raise_above(const commit::CartRow& row, cart::Version version,
                                    const std::optional<cart::Token>& token) {
  auto opened = open_alone(*stores_.ledger, row.user, Lists::reserved);
  if (!opened) return std::unexpected(opened.error());
  if (!*opened) return {};
  auto& visible = (*opened)->carts.front();
  const bool ahead = version > visible.cart.version ||
                     (version == visible.cart.version && token && *token != visible.token);
  if (!ahead) {
    stores_.ledger->rollback();
    return {};
  }
  if (version >= commit::version_limit) {
    stores_.ledger->rollback();
    return fail(Errc::store_rejected, "no write of ours had this version: a hand's, to be mended");
  }
  commit::raise_version(visible, **opened, version, stores_.ids->token());
  runtime::log::warn("the mirror is ahead of the ledger; the ledger's content goes above it",
                     {{"user_id", row.user.text()},
                      {"mirror_version", version},
                      {"new_version", visible.cart.version}});
  stores_.metrics.aborted("mirror_ahead");
  commit::Writes writes;
  writes.lag.push_back({visible.user, visible.cart.version});
  writes.carts.push_back(std::move(visible));
  return or_next_pass(stores_.ledger->commit(writes));
}

// What is in the way cannot be read, or is somebody else's: a type that was changed by hand, an
// import.
Result<void> LagRepair::clear_way(const commit::CartRow& row) {
  const auto opened = open_alone(*stores_.ledger, row.user, Lists::reserved);
  if (!opened) return std::unexpected(opened.error());
  if (!*opened) return {};
  const auto asked = stores_.clock.steady();
  const auto cleared = stores_.mirror->clear_way(row.user, row.cart.id, stores_.mirror_timeout);
  stores_.ledger->rollback();
  if (!cleared) stores_.mirror_state.write_failed(cleared.error(), asked);
  return {};
}

void LagRepair::back_off(const commit::UserId& user) {
  if (backoff_.size() >= lag_backoff_carts_max) backoff_.clear();
  const auto [it, fresh] = backoff_.try_emplace(user, Backoff{lag_retry_first, {}});
  if (!fresh)
    it->second.delay = std::min<std::chrono::milliseconds>(it->second.delay * 2, lag_retry_max);
  it->second.retry_at = stores_.clock.steady() + it->second.delay;
  if (it->second.delay >= lag_retry_max) {
    runtime::log::error("the mirror keeps refusing a cart", {{"user_id", user.text()}});
  }
}

} // namespace panier::upkeep
