#include "upkeep/verify.hpp"

#include "runtime/log.hpp"
#include "upkeep/limits.hpp"
#include "upkeep/one_cart.hpp"

namespace panier::upkeep {
namespace {

using commit::CartRow;
using commit::MirrorDoc;
using commit::UserId;

// Whatever panier wrote has a version. Without one, and of a user of whom the ledger knows nothing,
// it is the predecessor's or another program's: perhaps the only copy there is.
bool is_foreign(const std::optional<CartRow>& row, const MirrorDoc& doc) {
  return !row && doc.version == 0;
}

bool all_foreign(const std::optional<CartRow>& row, const std::vector<MirrorDoc>& docs) {
  return !docs.empty() &&
         std::ranges::all_of(docs, [&](const MirrorDoc& doc) { return is_foreign(row, doc); });
}

// Empty: the same. A tombstone at version 0 was never told to the mirror.
std::string difference(const std::optional<CartRow>& row, const std::vector<MirrorDoc>& docs) {
  if (row && row->unreadable) return "unreadable in the ledger";
  const bool expected = row && row->cart.version > 0;
  if (!expected && docs.empty()) return "";
  if (!expected)
    return all_foreign(row, docs) ? "in the mirror only, not written by panier"
                                  : "in the mirror only";
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
  if (!doc.as_written) return "fields of other types in the mirror";
  if (doc.lines != cart.lines) return "lines differ";
  return "";
}

// The token of the lane's batch that names the cart: the mirror may rightly hold what is not
// visible yet, or lack what is.
std::optional<cart::Token> holder_of(const UserId& user,
                                     const std::vector<commit::LaneRow>& lanes) {
  for (const auto& lane : lanes)
    if (lists(lane, user, Lists::all)) return lane.token;
  return std::nullopt;
}

// Lag repair does not touch what it cannot read.
bool under_repair(const UserId& user, const std::vector<commit::Lagging>& behind) {
  return std::ranges::any_of(behind, [&](const commit::Lagging& lagging) {
    return lagging.row.user == user && !lagging.row.unreadable;
  });
}

// A guarded write of the ledger's content mends it, as it stands.
bool mended_by_writing(const CartRow& row, const std::vector<MirrorDoc>& docs) {
  if (docs.empty()) return true;
  const auto& doc = docs.front();
  return docs.size() == 1 && doc.id == row.cart.id &&
         (doc.version != row.cart.version || doc.token != row.token);
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
  for (bool more = true; more && limit > 0; limit -= page_carts) {
    const auto done = page(std::min(limit, page_carts), report);
    if (!done) return std::unexpected(done.error());
    more = *done && pause_(std::chrono::milliseconds{0});
  }
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
  told_ = 0;
  report.unreadable += docs->unreadable;
  report.differences += docs->unreadable;
  if (docs->unreadable > 0 && mode_ != Mode::report) {
    runtime::log::warn("verify: documents whose _id or user_id cannot be read",
                       {{"documents", docs->unreadable}});
  }
  std::vector<Suspect> suspects;
  for (auto& [user, both] : users) {
    if (both.first) ++(both.first->cart.exists ? report.carts : report.tombstones);
    report.documents += static_cast<std::int64_t>(both.second.size());
    auto what = difference(both.first, both.second);
    if (!what.empty())
      suspects.push_back({user, std::move(both.first), std::move(both.second), std::move(what)});
  }
  if (const auto done = look_closer(std::move(suspects), report); !done)
    return std::unexpected(done.error());
  if (const auto named = name_misnamed(until, report); !named)
    return std::unexpected(named.error());
  after_ = until;
  return until.has_value();
}

// The page's rows that scan() leaves out.
Result<void> Verify::name_misnamed(const std::optional<UserId>& until, VerifyReport& report) {
  const auto misnamed =
      stores_.ledger->misnamed(after_, until, static_cast<int>(VerifyReport::listed_max));
  if (!misnamed) return std::unexpected(misnamed.error());
  if (misnamed->empty()) return {};
  report.differences += std::ssize(*misnamed);
  for (const auto& user : *misnamed) {
    if (report.listed.size() == VerifyReport::listed_max) break;
    report.listed.push_back({user, "in the ledger, no user_id"});
  }
  if (mode_ != Mode::report)
    runtime::log::warn("verify: rows of the ledger whose user_id no request can name",
                       {{"rows", misnamed->size()}, {"first", misnamed->front()}});
  return {};
}

// Looks until both stores agree, or until two looks in a row saw the same disagreement and nobody
// has the cart in hand. All of a page at once: a mirror that was restored differs in every cart.
Result<void> Verify::look_closer(std::vector<Suspect> suspects, VerifyReport& report) {
  for (int look = 0; look < verify_looks_max && !suspects.empty(); ++look) {
    if (!pause_(verify_look_again)) return {};
    if (const auto looked = look_again(suspects); !looked) return looked;
    if (const auto judged = judge_standing(suspects, report); !judged) return judged;
  }
  for (auto& suspect : suspects) {
    if (suspect.holder) waited_for_.insert(*suspect.holder);
    if (mode_ == Mode::continuous) continue;
    suspect.what += suspect.holder ? " (in a lane's list)" : " (keeps changing)";
    if (const auto done = differs(suspect, Mode::report, report); !done) return done;
  }
  if (told_ > verify_lines_max)
    runtime::log::warn("verify: more carts of this page differed",
                       {{"carts", told_ - verify_lines_max}});
  return {};
}

// Those that agree now are dropped.
Result<void> Verify::look_again(std::vector<Suspect>& suspects) {
  std::vector<UserId> users;
  users.reserve(suspects.size());
  for (const auto& suspect : suspects)
    users.push_back(suspect.user);
  auto rows = stores_.ledger->read(users);
  if (!rows) return std::unexpected(rows.error());
  auto docs = stores_.mirror->find(users, stores_.mirror_timeout);
  if (!docs) return std::unexpected(docs.error());
  std::map<UserId, std::pair<std::optional<CartRow>, std::vector<MirrorDoc>>> found;
  for (auto& row : *rows)
    found[row.user].first = std::move(row);
  for (auto& doc : *docs)
    found[doc.user].second.push_back(std::move(doc));
  for (auto& suspect : suspects) {
    auto& [row, its_docs] = found[suspect.user];
    auto what = difference(row, its_docs);
    const auto version_of = [](const auto& of) { return of ? of->cart.version : 0; };
    const bool still = what == suspect.what && version_of(row) == version_of(suspect.row);
    suspect.same = still ? suspect.same + 1 : 0;
    if (!still) suspect.holder.reset();
    suspect.row = std::move(row);
    suspect.docs = std::move(its_docs);
    suspect.what = std::move(what);
  }
  std::erase_if(suspects, [](const Suspect& suspect) { return suspect.what.empty(); });
  return {};
}

// Only what stands still is told as it is, and repaired; it is dropped then.
Result<void> Verify::judge_standing(std::vector<Suspect>& suspects, VerifyReport& report) {
  const auto stands = [](const Suspect& suspect) { return suspect.same >= 2; };
  if (std::ranges::none_of(suspects, stands)) return {};
  const auto lanes = stores_.ledger->lanes();
  if (!lanes) return std::unexpected(lanes.error());
  // The lag rows of this page are no more than its rows, and come first.
  const auto behind = stores_.ledger->lagging(after_, page_carts);
  if (!behind) return std::unexpected(behind.error());
  std::vector<Suspect> left;
  for (auto& suspect : suspects) {
    if (!stands(suspect)) {
      left.push_back(std::move(suspect));
      continue;
    }
    suspect.holder = holder_of(suspect.user, *lanes);
    if (!suspect.holder && !under_repair(suspect.user, *behind)) {
      if (const auto done = differs(suspect, mode_, report); !done) return done;
      continue;
    }
    if (mode_ == Mode::continuous) continue; // somebody is at it
    if (suspect.holder && !waited_for_.contains(*suspect.holder)) {
      suspect.same = 0;
      left.push_back(std::move(suspect));
      continue;
    }
    suspect.what += suspect.holder ? " (in a lane's list)" : " (repair is under way)";
    if (const auto done = differs(suspect, Mode::report, report); !done) return done;
  }
  suspects = std::move(left);
  return {};
}

Result<void> Verify::differs(const Suspect& suspect, Mode mode, VerifyReport& report) {
  ++report.differences;
  if (report.listed.size() < VerifyReport::listed_max)
    report.listed.push_back({suspect.user.text(), suspect.what});
  if (mode == Mode::report) return {};
  tell(suspect);
  if (suspect.row && suspect.row->unreadable) return {}; // nothing to repair from
  if (!all_foreign(suspect.row, suspect.docs)) stores_.metrics.verify_found();
  return mend(suspect);
}

void Verify::tell(const Suspect& suspect) {
  if (++told_ > verify_lines_max) return;
  std::string_view message = "verify: a cart differed, repair is under way";
  if (suspect.row && suspect.row->unreadable)
    message = "verify: a cart cannot be read, and not be repaired";
  else if (all_foreign(suspect.row, suspect.docs))
    message = "verify: a document is not panier's, and is left";
  runtime::log::warn(message, {{"user_id", suspect.user.text()}, {"what", suspect.what}});
}

Result<void> Verify::mend(const Suspect& suspect) {
  const auto& [user, row, docs, what, same, holder] = suspect;
  if (!row || row->cart.version == 0) { // documents of nobody
    for (const auto& doc : docs) {
      if (is_foreign(row, doc)) continue;
      // By its version where that tells it from one that a lane may be writing just now.
      if (docs.size() == 1 && doc.version > 0) {
        const auto gone = stores_.mirror->purge(user, doc.version, stores_.mirror_timeout);
        if (!gone) return std::unexpected(gone.error());
        continue;
      }
      if (auto gone = stores_.mirror->remove(doc.id, stores_.mirror_timeout); !gone) return gone;
    }
    return {};
  }
  if (!mended_by_writing(*row, docs)) return clear_under_lock(suspect);
  const std::array behind{commit::Listed{user, row->cart.version}};
  return stores_.ledger->add_lag(behind);
}

// Documents that the guard would keep: foreign ids, duplicates, and the cart's own at the very
// version with other content.
Result<void> Verify::clear_under_lock(const Suspect& suspect) {
  const auto opened = open_alone(*stores_.ledger, suspect.user, Lists::all);
  if (!opened) return std::unexpected(opened.error());
  if (!*opened) return {};
  const auto& cart = (*opened)->carts.front().cart;
  if (cart.version != suspect.row->cart.version) {
    stores_.ledger->rollback();
    return {};
  }
  auto cleared = stores_.mirror->clear_way(suspect.user, cart.id, stores_.mirror_timeout);
  if (cleared) {
    const auto gone = stores_.mirror->purge(suspect.user, cart.version, stores_.mirror_timeout);
    if (!gone) cleared = std::unexpected(gone.error());
  }
  if (!cleared) {
    stores_.ledger->rollback();
    return cleared;
  }
  commit::Writes writes;
  writes.lag.push_back({suspect.user, cart.version});
  return or_next_pass(stores_.ledger->commit(writes)); // which finds the document missing
}

} // namespace panier::upkeep
