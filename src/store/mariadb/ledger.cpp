#include "store/mariadb/ledger.hpp"

#include <fmt/format.h>

#include "store/mariadb/bulk.hpp"
#include "store/mariadb/errors.hpp"
#include "store/mariadb/rows.hpp"

namespace panier::store::mariadb {
namespace {

// What an upsert of one cart takes beside its lines; a guess that saves growing the packet.
constexpr std::size_t cart_bytes_expected = 512;

// The wanted users that are not among the (sorted) carts.
std::vector<Wanted> missing_of(std::span<const Wanted> wanted,
                               std::span<const commit::CartRow> carts) {
  std::vector<Wanted> missing;
  for (const auto& one : wanted)
    if (find_row(carts, one.user) == nullptr) missing.push_back(one);
  return missing;
}

// Where other copies are after the same carts, running a batch again costs more than its locks do.
constexpr int lock_all_after_conflict = 64; // transactions

// Of the carts of a transaction that has written these, those that its lane's row lists as reserved
// from now on, as they are now; in user_id order.
std::vector<commit::CartRow> reserved_of(std::vector<commit::CartRow> carts,
                                         const commit::Writes& written) {
  const auto& listed = written.row->reserved;
  std::vector<commit::UserId> users;
  users.reserve(listed.size());
  for (const auto& one : listed)
    users.push_back(one.user);
  std::ranges::sort(users);
  std::erase_if(carts, [&](const commit::CartRow& row) {
    return !std::ranges::binary_search(users, row.user);
  });
  for (const auto& row : written.carts) {
    const auto at = std::ranges::lower_bound(carts, row.user, {}, &commit::CartRow::user);
    if (at == carts.end() || at->user != row.user) continue;
    const auto id = at->cart.id; // these two stay whatever is written
    const auto id_maria = at->id_maria;
    *at = row;
    at->cart.id = id;
    at->id_maria = id_maria;
  }
  return carts;
}

} // namespace

MariadbLedger::MariadbLedger(const Settings& settings, std::shared_ptr<Resolver> resolver)
    : session_(settings, std::move(resolver)) {}

// Cuts the connection, so that the server rolls back by itself: nobody waits for an answer here.
MariadbLedger::~MariadbLedger() {
  if (open_) session_.drop();
}

Result<commit::Opened> MariadbLedger::open(const commit::OpenRequest& request) {
  rollback(); // BEGIN would commit what a careless caller left open
  auto listed = std::exchange(listed_, {});
  std::erase_if(listed, [&](const commit::CartRow& row) {
    return !std::ranges::binary_search(request.wanted, row.user, {}, &Wanted::user);
  });
  // Without its bulk statement there is no guarded write.
  if (!request.lane || listed.size() < bulk_carts_min || !session_.takes_bulk() || lock_all_ > 0)
    listed.clear();
  if (lock_all_ > 0) --lock_all_;
  const bool unlocked = !listed.empty();
  auto opened = open_once(request, Mark::lock, std::move(listed));
  if (opened && unlocked && (!opened->own || opened->own->token != listed_token_)) {
    // Somebody has aborted the list, so the carts may be others by now.
    rollback();
    opened = open_once(request, Mark::lock, {});
  }
  if (opened && request.lane && !opened->own) {
    // The lane's first transaction: what it locked was locked without a mark, so it begins again.
    rollback();
    opened = open_once(request, Mark::insert, {});
  }
  if (!opened) rollback();
  return opened;
}

Result<commit::Opened> MariadbLedger::open_once(const commit::OpenRequest& request, Mark how,
                                                std::vector<commit::CartRow> listed) {
  std::vector<Wanted> unlisted;
  std::span<const Wanted> to_lock = request.wanted;
  if (!listed.empty()) {
    unlisted = missing_of(request.wanted, listed);
    to_lock = unlisted;
  }
  Sql sql(1024 + request.wanted.size() * 80 + request.keys.size() * 160);
  sql.statement("BEGIN");
  if (request.lane && how == Mark::lock) mark(sql, *request.lane);
  if (request.lane && how == Mark::insert) insert_lane(sql, *request.lane);
  if (!to_lock.empty()) lock_carts(sql, to_lock);
  look(sql, request);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  open_ = true;
  lane_open_ = request.lane.has_value();

  commit::Opened opened;
  if (auto began = session_.done(); !began) return std::unexpected(began.error());
  if (request.lane) {
    if (auto marked = take_mark(how, opened); !marked) return std::unexpected(marked.error());
    if (!opened.own && how == Mark::lock) return opened;
  }
  if (!to_lock.empty())
    if (auto taken = take_carts(opened); !taken) return std::unexpected(taken.error());
  if (auto looked = take_look(request, opened); !looked) return std::unexpected(looked.error());
  unlocked_ = !listed.empty();
  if (unlocked_) {
    std::ranges::move(listed, std::back_inserter(opened.carts));
    std::ranges::sort(opened.carts, {}, &commit::CartRow::user);
  }
  if (opened.carts.size() < request.wanted.size()) {
    const auto missing = missing_of(request.wanted, opened.carts);
    if (auto sorted = sort_out(request, missing, opened); !sorted)
      return std::unexpected(sorted.error());
  }
  seen_ = opened.carts;
  return opened;
}

Result<void> MariadbLedger::take_mark(Mark how, commit::Opened& opened) {
  if (how == Mark::insert) {
    const auto inserted = session_.done();
    return inserted ? Result<void>{} : std::unexpected(inserted.error());
  }
  return session_.rows([&](const Row& row) -> Result<void> {
    auto own = lane_row(row);
    if (!own) return std::unexpected(own.error());
    opened.own = *std::move(own);
    return {};
  });
}

Result<void> MariadbLedger::take_carts(commit::Opened& opened) {
  return session_.rows([&](const Row& row) -> Result<void> {
    auto read = cart_row(row);
    if (!read) return std::unexpected(read.error());
    opened.carts.push_back(*std::move(read));
    return {};
  });
}

Result<void> MariadbLedger::take_look(const commit::OpenRequest& request, commit::Opened& opened) {
  opened.others.clear();
  opened.keys.clear();
  auto taken = session_.rows([&](const Row& row) -> Result<void> {
    auto other = lane_row(row);
    if (!other) return std::unexpected(other.error());
    opened.others.push_back(*std::move(other));
    return {};
  });
  if (!taken) return taken;

  bool floor_found = false;
  taken = session_.rows([&](const Row& row) -> Result<void> {
    const auto floor = number(row.text(0));
    const auto now = ledger_time(row.text(1));
    if (!floor || !now) return fail(Errc::store_corrupt, "panier_floor cannot be read");
    opened.floor = *floor;
    opened.now = *now;
    auto lagging = users(row.text(2));
    if (!lagging) return std::unexpected(lagging.error());
    opened.lagging = *std::move(lagging);
    floor_found = true;
    return {};
  });
  if (!taken) return taken;
  if (!floor_found) return fail(Errc::store_corrupt, "panier_floor has lost its row");
  if (request.keys.empty()) return {};
  return session_.rows([&](const Row& row) -> Result<void> {
    auto key = key_row(row);
    if (!key) return std::unexpected(key.error());
    opened.keys.push_back(*std::move(key));
    return {};
  });
}

// What the locking read did not return is locked by somebody else, or unknown.
Result<void> MariadbLedger::sort_out(const commit::OpenRequest& request,
                                     std::span<const Wanted> missing, commit::Opened& opened) {
  Sql sql;
  find_users(sql, missing);
  if (auto sent = session_.go_on(sql.text()); !sent) return sent;
  auto found = session_.rows([&](const Row& row) -> Result<void> {
    auto known = user(row.text(0));
    if (!known) return std::unexpected(known.error());
    opened.skipped.push_back(*std::move(known));
    return {};
  });
  if (!found) return found;
  std::ranges::sort(opened.skipped);

  std::vector<Wanted> fresh;
  for (const auto& one : missing)
    if (one.fresh_id && !std::ranges::binary_search(opened.skipped, one.user)) fresh.push_back(one);
  if (fresh.empty()) return {};
  return add_fresh(request, fresh, opened);
}

Result<void> MariadbLedger::add_fresh(const commit::OpenRequest& request,
                                      std::span<const Wanted> fresh, commit::Opened& opened) {
  Sql sql(1024 + fresh.size() * 200);
  insert_tombstones(sql, fresh);
  lock_carts(sql, fresh);
  look(sql, request); // again, because it must be later than all locks
  if (auto sent = session_.go_on(sql.text()); !sent) return sent;
  if (auto inserted = take_insert_warnings(); !inserted) return inserted;

  const auto before = static_cast<std::ptrdiff_t>(opened.carts.size());
  if (auto taken = take_carts(opened); !taken) return taken;
  // Another instance inserted one at the same moment and holds it.
  for (const auto& lost :
       missing_of(fresh, std::span(opened.carts).subspan(static_cast<std::size_t>(before))))
    opened.skipped.push_back(lost.user);
  std::ranges::sort(opened.skipped);
  std::ranges::sort(opened.carts, {}, &commit::CartRow::user);
  return take_look(request, opened);
}

// Somebody else's insert of the same user is no trouble; anything else that IGNORE would hide is.
Result<void> MariadbLedger::take_insert_warnings() {
  const auto inserted = session_.done();
  if (!inserted) return std::unexpected(inserted.error());
  unsigned duplicates = 0;
  std::string trouble;
  auto read = session_.rows([&](const Row& row) -> Result<void> {
    constexpr std::string_view duplicate_key = "1062";
    if (row.text(1) == duplicate_key)
      ++duplicates;
    else
      trouble = row.text(2);
    return {};
  });
  if (!read) return read;
  if (duplicates == inserted->warnings) return {};
  return fail(Errc::store_rejected, "inserting tombstones: " + trouble);
}

Result<void> MariadbLedger::commit(const commit::Writes& writes) {
  if (!open_) return fail(Errc::internal, "commit() without open()");
  std::span<const commit::CartRow> carts = writes.carts;
  Result<void> written;
  if (writes.row.has_value() != lane_open_)
    written = fail(Errc::internal, "the lane's row is written exactly if it was marked");
  if (written && !carts.empty() && (unlocked_ || carts.size() >= bulk_carts_min) &&
      session_.takes_bulk()) {
    // COMMIT has not been sent, so whatever becomes of this is certain.
    written = write_in_bulk(session_, carts, seen_);
    if (!written && !session_.takes_bulk())
      written = {}; // the server has no statement to spare, and has done nothing
    else
      carts = {};
    // Run again with its locks, it tells whether that is a row's fault.
    if (!written && unlocked_ && written.error().code == Errc::store_rejected)
      written = fail(Errc::store_conflict, written.error().detail);
    if (!written && unlocked_) lock_all_ = lock_all_after_conflict;
  }
  if (written && unlocked_ && !carts.empty())
    written = fail(Errc::store_conflict, "nothing but the bulk statement writes unlocked carts");
  Sql sql(1024 + carts.size() * cart_bytes_expected);
  if (written) written = write_all(sql, writes, carts, seen_);
  if (!written) {
    rollback();
    return written;
  }
  sql.statement("COMMIT");
  auto committed = send_commit(sql);
  if (!committed) rollback();
  open_ = false;
  if (committed && writes.row && writes.row->token &&
      writes.row->reserved.size() >= bulk_carts_min) {
    listed_ = reserved_of(std::move(seen_), writes);
    listed_token_ = writes.row->token;
  }
  seen_.clear();
  return committed;
}

Result<void> MariadbLedger::send_commit(const Sql& sql) {
  if (auto sent = session_.go_on(sql.text()); !sent) return not_committed(sent.error(), false);
  for (int statement = 1; statement < sql.statements(); ++statement)
    if (auto done = session_.done(); !done) return not_committed(done.error(), false);
  if (auto done = session_.done(); !done) return not_committed(done.error(), true);
  return {};
}

// If the server refused an earlier statement of the packet, it did not go on to COMMIT. If nobody
// said anything, it may have; so it may if COMMIT itself failed in a way that does not say.
std::unexpected<Error> MariadbLedger::not_committed(Error error, bool at_commit) {
  switch (session_.last_cause()) {
  case Session::Cause::not_sent: return std::unexpected(std::move(error));
  case Session::Cause::server_refused:
    if (!at_commit || refuses_commit(session_.last_number()))
      return std::unexpected(std::move(error));
    break;
  case Session::Cause::no_answer: break;
  }
  session_.drop();
  return fail(Errc::commit_unknown, std::move(error.detail));
}

void MariadbLedger::rollback() noexcept {
  if (!open_) return;
  open_ = false;
  seen_.clear();
  session_.skip_answers();
  if (const auto sent = session_.go_on("ROLLBACK"); sent && session_.done()) return;
  session_.drop();
}

Result<std::optional<std::int64_t>> MariadbLedger::last_batch(const commit::LaneKey& lane) {
  open_ = false;
  session_.drop(); // the old connection's transaction is what we want to hear of
  Sql sql;
  mark(sql, lane);
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  commit::Opened opened;
  if (auto marked = take_mark(Mark::lock, opened); !marked) return std::unexpected(marked.error());
  if (!opened.own) return std::nullopt;
  return opened.own->last_batch;
}

Result<std::vector<commit::CartRow>> MariadbLedger::read(std::span<const commit::UserId> users) {
  if (users.empty()) return std::vector<commit::CartRow>{};
  Sql sql(512 + users.size() * 70);
  sql.statement("SELECT ").raw(cart_columns).raw(" FROM panier p FORCE INDEX (uq_panier_user)");
  where_user_in(sql, "p.user_id", users);
  return carts(sql);
}

Result<std::vector<commit::CartRow>> MariadbLedger::carts(const Sql& sql) {
  rollback();
  if (auto sent = session_.begin(sql.text()); !sent) return std::unexpected(sent.error());
  commit::Opened opened;
  if (auto taken = take_carts(opened); !taken) return std::unexpected(taken.error());
  return std::move(opened.carts);
}

// Statements of ours without rows; all of them may run twice.
Result<void> MariadbLedger::run_all(const Sql& sql) {
  rollback();
  if (auto sent = session_.begin(sql.text()); !sent) return sent;
  return session_.all_done();
}

} // namespace panier::store::mariadb
