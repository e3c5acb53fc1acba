#include "migrate/take_over.hpp"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "migrate/identity.hpp"
#include "store/lines/lines_json.hpp"

namespace panier::migrate {
namespace {

using store::mariadb::Situation;
using store::mariadb::Stage;
using Table = Situation::Table;
using Which = store::mongo::Takeover::Which;

constexpr std::size_t page_carts_max = 1'000;

constexpr std::string_view put_away_table = "panier_predecessor";

std::unexpected<Error> refused(std::string why) {
  return fail(Errc::schema_unmigrated, std::move(why));
}

// Is there something to take over, and can it be? nullopt: yes.
Result<std::optional<Outcome>> judge(const Situation& found, bool documents_put_away) {
  const bool predecessors = found.panier == Table::predecessors;
  switch (found.stage) {
  case Stage::copying:
    if (predecessors && found.put_away)
      return refused("somebody made a table panier anew while panier_predecessor holds the "
                     "predecessor's rows: drop the one that is not wanted");
    return std::nullopt;
  case Stage::undoing:
  case Stage::cleaning:
    return refused("an undo was begun and is not finished: run panier migrate --undo again");
  case Stage::none:
  case Stage::migrated: break;
  }
  if (!predecessors) return Outcome::nothing_to_do;
  if (found.put_away || documents_put_away)
    return refused("panier_predecessor is there already, of an earlier migration: drop or rename "
                   "it (the table in MariaDB, the collection in MongoDB)");
  return std::nullopt;
}

std::optional<commit::LedgerTime> earliest(const std::vector<Row>& rows) {
  std::optional<commit::LedgerTime> found;
  for (const auto& row : rows)
    if (const auto at = store::mariadb::time_of(row.created_at); at && (!found || *at < *found))
      found = at;
  return found;
}

std::optional<commit::LedgerTime> latest(const std::vector<Row>& rows) {
  std::optional<commit::LedgerTime> found;
  for (const auto& row : rows)
    if (const auto at = store::mariadb::time_of(row.updated_at); at && (!found || *at > *found))
      found = at;
  return found;
}

// An ObjectId of the predecessor's begins with the second it was made in; one that we make does
// not.
std::optional<commit::LedgerTime> made_at(const cart::CartId& id,
                                          const std::vector<Document>& documents) {
  if (std::ranges::find(documents, id.hex(), &Document::id) == documents.end()) return std::nullopt;
  std::int64_t seconds = 0;
  for (std::size_t at = 0; at < 4; ++at)
    seconds = seconds * 256 + id.bytes()[at];
  return commit::LedgerTime(std::chrono::seconds(seconds));
}

} // namespace

Result<Outcome> TakeOver::run() {
  if (auto turn = told_by(Origin::mariadb, mariadb_.take_turn()); !turn)
    return std::unexpected(turn.error());
  const auto found = told_by(Origin::mariadb, mariadb_.look());
  if (!found) return std::unexpected(found.error());
  // Asked also where the answer does not matter: nothing is begun while a store is away.
  const auto put_away = told_by(Origin::mongodb, mongodb_.is_put_away());
  if (!put_away) return std::unexpected(put_away.error());
  const auto judged = judge(*found, *put_away);
  if (!judged) return std::unexpected(judged.error());
  if (!*judged) return take_all(*found);
  if (found->panier == Table::absent)
    if (auto empty = check_no_documents(); !empty) return std::unexpected(empty.error());
  return **judged;
}

// Documents without a table: one of the two databases is not the one that was meant, or has lost
// its carts. Told here, before `serve` makes an empty table beside them.
Result<void> TakeOver::check_no_documents() {
  const auto documents = told_by(Origin::mongodb, mongodb_.count(Which::carts));
  if (!documents) return std::unexpected(documents.error());
  if (*documents == 0) return {};
  return refused(fmt::format(
      "MariaDB's database {} has no table panier, while the collection {} in MongoDB's database {} "
      "holds {} documents: is one of the two not the predecessor's (DB_LOCAL_NAME, "
      "MONGO_URI_PANIERS), or was its table lost?",
      mariadb_.database(), mongodb_.collection(), mongodb_.database(), *documents));
}

Result<Outcome> TakeOver::take_all(const Situation& found) {
  auto file = WorkFile::make();
  if (!file) return std::unexpected(file.error());
  file_ = std::move(*file);
  if (!options_.dry_run)
    if (auto done = put_away(found); !done) return std::unexpected(done.error());

  // A dry run reads what is where it is: a killed run may have put away one store and not the
  // other.
  const bool rows_away = !options_.dry_run || found.put_away;
  const auto table = rows_away ? put_away_table : std::string_view("panier");
  auto documents_away = told_by(Origin::mongodb, mongodb_.is_put_away());
  if (!documents_away) return std::unexpected(documents_away.error());
  const auto collection = *documents_away ? Which::put_away : Which::carts;
  if (auto done = read(table, collection); !done) return std::unexpected(done.error());
  const auto next = told_by(Origin::mariadb, mariadb_.next_id_maria(table));
  if (!next) return std::unexpected(next.error());

  if (!options_.dry_run) {
    if (auto made = told_by(Origin::mariadb, mariadb_.make_ours(version_)); !made)
      return std::unexpected(made.error());
    if (auto made = told_by(Origin::mongodb, mongodb_.make_fresh()); !made)
      return std::unexpected(made.error());
  }
  if (auto done = take_foreign(); !done) return std::unexpected(done.error());
  if (auto done = take_carts(*next); !done) return std::unexpected(done.error());
  if (!options_.dry_run)
    if (auto done = told_by(Origin::mariadb, mariadb_.set_stage(Stage::migrated)); !done)
      return std::unexpected(done.error());

  report_.total("rows in MariaDB", rows_);
  report_.total("documents in MongoDB", documents_);
  report_.total("carts", carts_);
  report_.total("carts with something to report", report_.reported());
  report_.total("lines and texts set aside (panier_set_aside)", report_.set_aside());
  report_.total("rows and documents of users that panier cannot hold (panier_foreign_user)",
                report_.foreign_users());
  return report_.foreign_users() > 0 ? Outcome::done_with_rest : Outcome::done;
}

Result<void> TakeOver::put_away(const Situation& found) {
  const auto version = told_by(Origin::mariadb, mariadb_.begin(Stage::copying));
  if (!version) return std::unexpected(version.error());
  version_ = *version;
  if (found.panier == Table::predecessors)
    if (auto away = told_by(Origin::mariadb, mariadb_.put_away()); !away) return away;
  const auto documents_away = told_by(Origin::mongodb, mongodb_.is_put_away());
  if (!documents_away) return std::unexpected(documents_away.error());
  if (*documents_away) return {};
  return told_by(Origin::mongodb, mongodb_.put_away_now());
}

Result<void> TakeOver::read(std::string_view table, Which collection) {
  const auto rows = told_by(Origin::mariadb, mariadb_.count(table));
  if (!rows) return std::unexpected(rows.error());
  const auto documents = told_by(Origin::mongodb, mongodb_.count(collection));
  if (!documents) return std::unexpected(documents.error());
  progress_.start("reading", *rows + *documents);
  // The work file's own trouble is told by it.
  std::optional<Error> own;
  const auto keep = [&](const auto& found, std::int64_t& counted) -> Result<void> {
    ++counted;
    progress_.advance();
    auto added = file_->add(found);
    if (!added) own = added.error();
    return added;
  };
  auto read =
      told_by(Origin::mariadb, mariadb_.scan(table, [&](Row&& row) { return keep(row, rows_); }));
  if (read)
    read = told_by(Origin::mongodb, mongodb_.scan(collection, [&](Document&& document) {
      return keep(document, documents_);
    }));
  if (own) return std::unexpected(*own);
  if (!read) return read;
  // A dry run's table may grow meanwhile.
  const auto after = told_by(Origin::mariadb, mariadb_.count(table));
  if (!after) return std::unexpected(after.error());
  if (*after == *rows && rows_ != *rows)
    return fail(Errc::store_corrupt,
                fmt::format("MariaDB: {} has {} rows, and {} of them could be read: is there an "
                            "id_maria below 0?",
                            table, *rows, rows_));
  progress_.finish();
  return file_->sort();
}

Result<void> TakeOver::take_foreign() {
  return file_->foreign(
      [&](Row&& row) {
        report_.foreign(row);
        page_bytes_ += row.articles.value_or("").size() + row.user_id.size();
        page_.foreign.push_back(
            {.origin = "mariadb", .user_id = {}, .row = std::move(row), .document = {}});
        return write_if_full();
      },
      [&](Document&& document) {
        report_.foreign(document);
        page_bytes_ += document.json.size();
        page_.foreign.push_back({.origin = "mongodb",
                                 .user_id = std::move(document.user_id),
                                 .row = {},
                                 .document = std::move(document.json)});
        return write_if_full();
      });
}

Result<void> TakeOver::take_carts(std::int64_t next_id_maria) {
  Identities identities(*file_, next_id_maria);
  progress_.start("writing", rows_ + documents_ - report_.foreign_users());
  auto taken = file_->groups([&](Group&& group) -> Result<void> {
    const auto sources = std::ssize(group.rows) + std::ssize(group.documents);
    for (const auto& user : split(std::move(group)))
      if (auto added = add(user, identities); !added) return added;
    progress_.advance(sources);
    return {};
  });
  if (!taken) return taken;
  if (auto written = write(); !written) return written;
  progress_.finish();
  if (options_.dry_run) return {};
  return told_by(Origin::mariadb, mariadb_.number_from(identities.next_id_maria()));
}

Result<void> TakeOver::add(const User& user, Identities& identities) {
  auto merged = merge(user, options_.prefer);
  const auto identity = identities.choose(user, merged);
  if (!identity) return std::unexpected(identity.error());
  report_.user(user.user, merged);
  ++carts_;

  // A cart that MariaDB does not know was last touched who knows when: not so long ago that it
  // expires at once.
  const auto now = commit::LedgerTime(std::chrono::milliseconds(version_));
  const auto& [rows, documents] = user.sources;
  commit::CartRow row{.user = user.user};
  row.id_maria = identity->id_maria;
  row.updated_at = latest(rows).value_or(now);
  const auto created = rows.empty() ? made_at(identity->id, documents) : earliest(rows);
  row.created_at = std::min(created.value_or(now), row.updated_at);
  row.cart = {
      .id = identity->id, .version = version_, .exists = true, .lines = std::move(merged.lines)};
  page_bytes_ += row.cart.lines.size() * 64 + 256;
  page_.carts.push_back(std::move(row));
  for (auto& aside : merged.aside) {
    page_bytes_ += aside.content.size() + 128;
    page_.aside.push_back({.user = user.user,
                           .origin = aside.origin == Origin::mariadb ? "mariadb" : "mongodb",
                           .reason = std::move(aside.reason),
                           .content = std::move(aside.content),
                           .whole = aside.whole,
                           .taken_over = aside.taken_over});
  }
  return write_if_full();
}

Result<void> TakeOver::write_if_full() {
  const bool full = page_.carts.size() >= page_carts_max ||
                    page_.foreign.size() >= page_carts_max || page_bytes_ >= page_bytes_max;
  return full ? write() : Result<void>{};
}

// Both stores at once; what a killed run wrote in one and not in the other is thrown away by the
// next.
Result<void> TakeOver::write() {
  const auto page = std::exchange(page_, {});
  page_bytes_ = 0;
  const bool empty = page.carts.empty() && page.aside.empty() && page.foreign.empty();
  if (options_.dry_run || empty) return {};
  std::vector<commit::MirrorWrite> documents;
  documents.reserve(page.carts.size());
  for (const auto& row : page.carts)
    documents.push_back({.user = row.user,
                         .cart = row.cart,
                         .id_maria = row.id_maria,
                         .token = row.token,
                         .updated_at = row.updated_at});
  auto mirrored = std::async(std::launch::async, [&] { return mongodb_.insert(documents); });
  const auto written = told_by(Origin::mariadb, mariadb_.write(page, version_));
  const auto inserted = told_by(Origin::mongodb, mirrored.get());
  return written ? inserted : written;
}

} // namespace panier::migrate
