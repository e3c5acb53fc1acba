#include "store/mariadb/schema.hpp"

#include <fmt/format.h>
#include <migrations.hpp>

#include "store/mariadb/rows.hpp"

namespace panier::store::mariadb {
namespace {

constexpr int turn_wait_s = 20; // for another instance that is at it; below schema_timeout

// A database has one lock of this name; names of locks are the server's, and at most 64 characters.
constexpr std::string_view lock_name = "CONCAT('panier.',MD5(DATABASE()))";

Result<std::int64_t> ask_number(Session& session, std::string_view query) {
  if (auto sent = session.begin(query); !sent) return std::unexpected(sent.error());
  Result<std::int64_t> answer = 0;
  auto read = session.rows([&](const Row& row) -> Result<void> {
    answer = number(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return answer;
}

std::unexpected<Error> too_long() {
  return fail(Errc::store_conflict, "another instance has been changing the schema for too long");
}

Result<bool> is_predecessors(Session& session) {
  const auto columns = ask_number(session, "SELECT COUNT(*) FROM information_schema.columns WHERE "
                                           "table_schema=DATABASE() AND table_name='panier'");
  if (!columns) return std::unexpected(columns.error());
  if (*columns == 0) return false;
  const auto versioned =
      ask_number(session, "SELECT COUNT(*) FROM information_schema.columns WHERE "
                          "table_schema=DATABASE() AND table_name='panier' AND "
                          "column_name='version'");
  if (!versioned) return std::unexpected(versioned.error());
  return *versioned == 0;
}

Result<void> check_no_migration(Session& session) {
  const auto table =
      ask_number(session, "SELECT COUNT(*) FROM information_schema.tables WHERE "
                          "table_schema=DATABASE() AND table_name='panier_migration'");
  if (!table) return std::unexpected(table.error());
  if (*table == 0) return {};
  const auto unfinished =
      ask_number(session, "SELECT COUNT(*) FROM panier_migration WHERE stage<>'migrated'");
  if (!unfinished) return std::unexpected(unfinished.error());
  if (*unfinished == 0) return {};
  return fail(Errc::schema_unmigrated,
              "a migration was begun and is not finished: run panier migrate again (or panier "
              "migrate --undo)");
}

// The table is looked at first: a migration notes itself before it renames the table, so whoever
// finds the table gone finds the note.
Result<void> check_not_the_predecessors(Session& session, For whom) {
  const auto predecessors = is_predecessors(session);
  if (!predecessors) return std::unexpected(predecessors.error());
  if (whom == For::service)
    if (auto checked = check_no_migration(session); !checked) return checked;
  if (!*predecessors) return {};
  return fail(
      Errc::schema_unmigrated,
      "the table panier is the predecessor's (it has no column version): run panier migrate");
}

Result<void> run(Session& session, std::string_view packet) {
  auto sent = session.begin(packet);
  if (!sent) return sent;
  return session.all_done();
}

Result<void> apply_missing(Session& session, For whom) {
  if (auto checked = check_not_the_predecessors(session, whom); !checked) return checked;
  auto made = run(session, "CREATE TABLE IF NOT EXISTS panier_schema (version INT NOT NULL, "
                           "applied_at DATETIME(3) NOT NULL, PRIMARY KEY (version)) ENGINE=InnoDB "
                           "DEFAULT CHARSET=ascii COLLATE=ascii_bin");
  if (!made) return made;
  const auto version = ask_number(session, "SELECT COALESCE(MAX(version),0) FROM panier_schema");
  if (!version) return std::unexpected(version.error());
  const auto known = std::ssize(migrations);
  if (*version > known)
    return fail(
        Errc::schema_unmigrated,
        fmt::format("the schema is of a later release ({}, this one knows {})", *version, known));
  for (auto next = *version; next < known; ++next) {
    const auto& [name, text] = migrations[static_cast<std::size_t>(next)];
    if (auto applied = run(session, text); !applied)
      return fail(applied.error().code, fmt::format("{}: {}", name, applied.error().detail));
    const auto noted = fmt::format(
        "INSERT IGNORE INTO panier_schema (version,applied_at) VALUES ({},NOW(3))", next + 1);
    if (auto recorded = run(session, noted); !recorded) return recorded;
  }
  return {};
}

} // namespace

Result<void> bring_schema_up_to_date(Session& session, For whom) {
  const auto turn = ask_number(
      session, fmt::format("SELECT COALESCE(GET_LOCK({},{}),0)", lock_name, turn_wait_s));
  if (!turn) return std::unexpected(turn.error());
  if (*turn != 1) return too_long();
  // The lock is the connection's. Should the connection be replaced meanwhile, the steps still may
  // run twice.
  auto applied = apply_missing(session, whom);
  session.drop(); // which also gives the lock back
  return applied;
}

Result<void> wait_for_schema(Session& session) {
  auto sent = session.go_on(fmt::format("SELECT COALESCE(GET_LOCK({0},{1}),0);DO RELEASE_LOCK({0})",
                                        lock_name, turn_wait_s));
  if (!sent) return sent;
  bool free = false;
  auto read = session.rows([&](const Row& row) -> Result<void> {
    free = row.text(0) == "1";
    return {};
  });
  if (!read) return read;
  if (auto released = session.all_done(); !released) return released;
  if (!free) return too_long();
  return {};
}

} // namespace panier::store::mariadb
