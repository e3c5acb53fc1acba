#include "upkeep/verify.hpp"

#include "runtime/log.hpp"
#include "upkeep/limits.hpp"

namespace panier::upkeep {
namespace {

using commit::CartRow;
using commit::MirrorDoc;
using commit::UserId;

// Empty: the same. A tombstone at version 0 was never told to the mirror.
std::string difference(const std::optional<CartRow>& row, const std::vector<MirrorDoc>& docs) {
  if (row && row->unreadable) return "unreadable in the ledger";
  const bool expected = row && row->cart.version > 0;
  if (!expected) return docs.empty() ? "" : "in the mirror only";
  if (docs.empty()) return "missing in the mirror";
  if (docs.size() > 1) return std::to_string(docs.size()) + " documents in the mirror";
  const auto& doc = docs.front();
  const auto& cart = row->cart;
  if (doc.version != cart.version) {
    return "version: ledger " + std::to_string(cart.version) + ", mirror " +
           std::to_string(doc.version);
  }
  if (doc.token != row->token)
    return "token: ledger " + row->token.hex() + ", mirror " + doc.token.hex();
  if (doc.id != cart.id) return "_id: ledger " + cart.id.hex() + ", mirror " + doc.id.hex();
  if (doc.id_maria != row->id_maria) return "id_maria differs";
  if (doc.exists != cart.exists) return "deleted in one store only";
  if (!doc.readable) return "lines of other types in the mirror";
  if (doc.lines != cart.lines) return "lines differ";
  return "";
}

} // namespace

Result<VerifyReport> Verify::run() {
  VerifyReport report;
  after_.reset();
  while (true) {
    const auto more = page(page_carts, report);
    if (!more) return std::unexpected(more.error());
    if (!*more || !pause_(std::chrono::milliseconds{0})) return report;
  }
}

Result<VerifyReport> Verify::next_page(int limit) {
  VerifyReport report;
  const auto more = page(limit, report);
  if (!more) return std::unexpected(more.error());
  return report;
}

// One page of both stores, up to the same user: where the shorter of the two pages ends.
Result<bool> Verify::page(int limit, VerifyReport& report) {
  const auto rows = stores_.ledger->scan(after_, limit);
  if (!rows) return std::unexpected(rows.error());
  const auto docs = stores_.mirror->scan(after_, limit, stores_.mirror_timeout);
  if (!docs) return std::unexpected(docs.error());
  const bool rows_full = rows->size() >= static_cast<std::size_t>(limit);
  std::optional<UserId> until;
  if (rows_full) until = rows->back().user;
  if (docs->next && (!until || *docs->next < *until)) until = docs->next;

  std::map<UserId, std::pair<std::optional<CartRow>, std::vector<MirrorDoc>>> users;
  for (const auto& row : *rows) {
    if (!until || row.user <= *until) users[row.user].first = row;
  }
  for (const auto& doc : docs->docs) {
    if (!until || doc.user <= *until) users[doc.user].second.push_back(doc);
  }
  report.unreadable += docs->unreadable;
  report.differences += docs->unreadable;
  for (const auto& [user, both] : users) {
    report.carts += both.first ? 1 : 0;
    report.documents += static_cast<std::int64_t>(both.second.size());
    if (difference(both.first, both.second).empty()) continue;
    if (const auto done = compare(both.first, both.second, user, report); !done)
      return std::unexpected(done.error());
  }
  after_ = until;
  return until.has_value();
}

// Looks until both stores agree, or until two looks in a row saw the same disagreement and nobody
// has the cart in hand.
Result<void> Verify::compare(const std::optional<CartRow>& row, const std::vector<MirrorDoc>& docs,
                             const UserId& user, VerifyReport& report) {
  auto last_row = row;
  auto last_what = difference(row, docs);
  auto last_docs = docs;
  int same = 0;
  std::string_view moving = " (keeps changing)";
  std::optional<cart::Token> holder;
  for (int look = 0; look < verify_looks_max; ++look) {
    if (!pause_(verify_look_again)) return {};
    const std::array one{user};
    const auto again = stores_.ledger->read(one);
    if (!again) return std::unexpected(again.error());
    const auto found = stores_.mirror->find(one, stores_.mirror_timeout);
    if (!found) return std::unexpected(found.error());
    std::optional<CartRow> now;
    if (!again->empty()) now = again->front();
    auto what = difference(now, *found);
    if (what.empty()) return {};
    const bool still = what == last_what &&
                       (now ? now->cart.version : 0) == (last_row ? last_row->cart.version : 0);
    same = still ? same + 1 : 0;
    last_row = std::move(now);
    last_what = std::move(what);
    last_docs = *found;
    if (same < 2) continue;
    const auto held = listed_by(user);
    if (!held) return std::unexpected(held.error());
    holder = *held;
    if (!holder) {
      moving = {};
      break;
    }
    if (mode_ == Mode::continuous) return {};
    moving = " (in a lane's list)";
    if (waited_for_.contains(*holder)) break;
    same = 0;
  }
  if (holder) waited_for_.insert(*holder);
  // Only what stands still is repaired.
  if (moving.empty()) return differs(user, last_what, last_docs, last_row, mode_, report);
  if (mode_ == Mode::continuous) return {};
  return differs(user, last_what.append(moving), last_docs, last_row, Mode::report, report);
}

// The token of the lane's batch that names the cart: the mirror may rightly hold what is not
// visible yet, or lack what is.
Result<std::optional<cart::Token>> Verify::listed_by(const UserId& user) {
  const auto lanes = stores_.ledger->lanes();
  if (!lanes) return std::unexpected(lanes.error());
  const auto is_user = [&](const commit::Listed& listed) { return listed.user == user; };
  for (const auto& lane : *lanes) {
    if (std::ranges::any_of(lane.reserved, is_user) || std::ranges::any_of(lane.in_flight, is_user))
      return lane.token;
  }
  return std::nullopt;
}

Result<void> Verify::differs(const UserId& user, std::string what,
                             const std::vector<MirrorDoc>& docs, const std::optional<CartRow>& row,
                             Mode mode, VerifyReport& report) {
  ++report.differences;
  if (mode != Mode::report && !(row && row->unreadable)) { // nothing to repair from
    // Documents that the guard would keep: foreign ids, duplicates, unreadable ones, those of
    // nobody.
    for (const auto& doc : docs) {
      const bool foreign = !row || row->cart.version == 0 || doc.id != row->cart.id ||
                           docs.size() > 1 || !doc.readable ||
                           (doc.version == row->cart.version && doc.token == row->token);
      if (!foreign) continue;
      const auto removed = stores_.mirror->remove(doc.id, stores_.mirror_timeout);
      if (!removed) return removed;
    }
    if (row && row->cart.version > 0) {
      const std::array behind{commit::Listed{user, row->cart.version}};
      if (const auto done = stores_.ledger->add_lag(behind); !done) return done;
    }
    runtime::log::warn("verify: a cart differed, repair is under way",
                       {{"user_id", user.text()}, {"what", what}});
  }
  if (report.listed.size() < VerifyReport::listed_max)
    report.listed.push_back({user.text(), std::move(what)});
  return {};
}

} // namespace panier::upkeep
