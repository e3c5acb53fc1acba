#include "store/sqlite/mirror.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mirror_migrations.hpp"
#include "store/lines/lines_json.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/schema.hpp"

namespace panier::store::sqlite {

using commit::IndexState;
using commit::MirrorDoc;
using commit::MirrorWrite;
using commit::Took;
using commit::UserId;

namespace {

#define PANIER_DOC_COLUMNS "user_id, _id, id_maria, articles, version, token, deleted_at"

// nullopt: user_id or _id cannot be read, which only a hand can have done.
std::optional<MirrorDoc> document(const Statement& row) {
  auto user = UserId::parse(row.text(0));
  const auto id = commit::CartId::parse(row.text(1));
  if (!user || !id) return std::nullopt;
  auto lines = lines_from_json(row.text(3));
  const auto token = fixed_bytes<16>(row.bytes(5));
  return MirrorDoc{.id = *id,
                   .user = std::move(*user),
                   .version = row.integer(4),
                   .token = token ? commit::Token(*token) : commit::Token{},
                   .id_maria = static_cast<std::uint32_t>(row.integer(2)),
                   .exists = row.null(6),
                   .readable = lines.has_value(),
                   .lines = lines ? std::move(*lines) : std::vector<cart::Line>{}};
}

Result<void> upsert(Connection& connection, const MirrorWrite& write) {
  return connection
      .query(
          "INSERT INTO panier (user_id, _id, id_maria, articles, version, token, updated_at, "
          "deleted_at)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, CASE WHEN ?8 THEN NULL ELSE ?7 END)"
          " ON CONFLICT (user_id) DO UPDATE SET id_maria = excluded.id_maria, articles = "
          "excluded.articles,"
          " version = excluded.version, token = excluded.token, updated_at = excluded.updated_at,"
          " deleted_at = excluded.deleted_at WHERE excluded.version > version",
          write.user.text(), write.cart.id.hex(), write.id_maria, articles_text(write.cart.lines),
          write.cart.version, write.token.bytes(), ms(write.updated_at), write.cart.exists)
      .run();
}

// One write of a bulk. An error ends the bulk: it is the file's or the lock's, not this document's.
Result<Took> take(Connection& connection, const MirrorWrite& write) {
  const auto done = upsert(connection, write);
  if (done) return connection.changes() == 1 ? Took::held : Took::refused;
  if (connection.last_was_duplicate()) return Took::refused; // another user's document has this _id
  if (done.error().code == Errc::store_rejected) return Took::failed;
  return std::unexpected(done.error());
}

// In the port's words: that another writer kept the lock too long, and a COMMIT of which nobody
// knows, are both "no answer in time".
template <class T>
Result<T> in_time(Result<T> result) {
  if (result) return result;
  auto& code = result.error().code;
  if (code == Errc::store_conflict || code == Errc::commit_unknown) code = Errc::store_timeout;
  return result;
}

Result<bool> has_index(Connection& connection) {
  auto row = connection.query(
      "SELECT 1 FROM pragma_index_list('panier') WHERE name = 'user_id_1' AND \"unique\"");
  return row.step();
}

} // namespace

std::filesystem::path mirror_file(const Settings& settings) {
  return settings.dir->path() / "mirror.sqlite3";
}

Result<SharedConnection::Turn> SqliteMirror::connected(Timeout timeout) {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + timeout;
  auto connection =
      in_time(connection_->take(timeout, [&]() -> Result<std::unique_ptr<Connection>> {
        auto made =
            Connection::open(mirror_file(settings_), Connection::WhenAbsent::create, timeout);
        if (!made) return made;
        if (auto ready = migrate(**made, mirror_migrations); !ready)
          return std::unexpected(std::move(ready.error()));
        return made;
      }));
  if (!connection) return connection;
  const auto left = std::chrono::ceil<Timeout>(until - steady_clock::now());
  (*connection)->set_lock_wait(std::max(left, Timeout(0)));
  return connection;
}

Result<SharedConnection::Turn> SqliteMirror::writing(Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return connection;
  if (auto begun = in_time((*connection)->begin()); !begun)
    return std::unexpected(std::move(begun.error()));
  return connection;
}

Result<std::vector<Took>> SqliteMirror::write(std::span<const MirrorWrite> writes,
                                              Timeout timeout) {
  std::vector<Took> verdicts;
  if (writes.empty()) return verdicts;
  auto connection = writing(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  for (const auto& write : writes) {
    const auto took = take(**connection, write);
    if (!took) {
      (*connection)->rollback();
      return std::unexpected(took.error());
    }
    verdicts.push_back(*took);
  }
  if (auto done = in_time((*connection)->commit()); !done)
    return std::unexpected(std::move(done.error()));
  return verdicts;
}

Result<std::vector<MirrorDoc>> SqliteMirror::find(std::span<const UserId> users, Timeout timeout) {
  std::vector<MirrorDoc> docs;
  if (users.empty()) return docs;
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  for (const auto& user : users) {
    auto row =
        (*connection)
            ->query("SELECT " PANIER_DOC_COLUMNS " FROM panier WHERE user_id = ?", user.text());
    // Several of one user are possible while the unique index is missing.
    for (;;) {
      auto more = row.step();
      if (!more) return std::unexpected(std::move(more.error()));
      if (!*more) break;
      if (auto doc = document(row)) docs.push_back(std::move(*doc));
    }
  }
  return docs;
}

Result<void> SqliteMirror::ping(Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return (*connection)->query("SELECT version FROM schema_version").run();
}

Result<IndexState> SqliteMirror::ensure_index(bool build, Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  const auto present = has_index(**connection);
  if (!present) return std::unexpected(present.error());
  if (*present) return IndexState::present;
  if (!build) return IndexState::missing;
  const auto built =
      (*connection)->script("CREATE UNIQUE INDEX IF NOT EXISTS user_id_1 ON panier (user_id)");
  if (built) return IndexState::built;
  // Two documents of one user are in its way; verify removes the foreign one.
  if ((*connection)->last_was_duplicate()) return IndexState::missing;
  return in_time(Result<IndexState>(std::unexpected(built.error())));
}

Result<bool> SqliteMirror::purge(const UserId& user, commit::Version version, Timeout timeout) {
  auto connection = writing(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  auto gone =
      (*connection)
          ->query("DELETE FROM panier WHERE user_id = ? AND version = ?", user.text(), version)
          .run();
  auto left = (*connection)->query("SELECT 1 FROM panier WHERE user_id = ?", user.text()).step();
  if (!gone || !left) {
    (*connection)->rollback();
    return std::unexpected(gone ? left.error() : gone.error());
  }
  if (auto done = in_time((*connection)->commit()); !done)
    return std::unexpected(std::move(done.error()));
  return !*left;
}

Result<void> SqliteMirror::remove(const commit::CartId& id, Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return in_time((*connection)->query("DELETE FROM panier WHERE _id = ?", id.hex()).run());
}

Result<void> SqliteMirror::clear_way(const UserId& user, const commit::CartId& id,
                                     Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return in_time((*connection)
                     ->query("DELETE FROM panier WHERE (_id = ?1 AND user_id <> ?2)"
                             " OR (user_id = ?2 AND _id <> ?1)",
                             id.hex(), user.text())
                     .run());
}

Result<commit::Mirror::Page> SqliteMirror::scan(const std::optional<UserId>& after, int limit,
                                                Timeout timeout) {
  auto connection = connected(timeout);
  if (!connection) return std::unexpected(std::move(connection.error()));
  auto rows =
      (*connection)
          ->query("SELECT " PANIER_DOC_COLUMNS " FROM panier WHERE user_id > ? ORDER BY user_id",
                  after ? std::string_view(after->text()) : std::string_view(""));
  Page page;
  for (;;) {
    auto more = rows.step();
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) return page;
    // One row beyond the page tells that it was not the last one; it belongs to the next, unless
    // it is another one of the last user, whom the next page would pass over.
    const bool same_user = !page.docs.empty() && page.docs.back().user.text() == rows.text(0);
    if (page.docs.size() >= static_cast<std::size_t>(limit) && !same_user) break;
    if (auto doc = document(rows))
      page.docs.push_back(std::move(*doc));
    else
      ++page.unreadable;
  }
  page.next = page.docs.back().user;
  return page;
}

} // namespace panier::store::sqlite
