#include "store/sqlite/schema.hpp"

#include <string>

namespace panier::store::sqlite {
namespace {

Result<std::int64_t> schema_version(Connection& connection) {
  {
    auto table = connection.query(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'");
    auto found = table.step();
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found) return 0;
  }
  auto version = connection.query("SELECT version FROM schema_version");
  auto row = version.step();
  if (!row) return std::unexpected(std::move(row.error()));
  return *row ? version.integer(0) : 0;
}

// The writer's lock is held, so that of two processes or connections one does it and the other
// finds it done.
Result<void> step_up(Connection& connection, std::span<const Migration> migrations) {
  auto version = schema_version(connection);
  if (!version) return std::unexpected(std::move(version.error()));
  for (auto at = static_cast<std::size_t>(*version); at < migrations.size(); ++at) {
    if (auto done = connection.script(migrations[at].second); !done) {
      done.error().detail.insert(0, std::string(migrations[at].first) + ": ");
      return done;
    }
  }
  if (auto made = connection.script(
          "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;"
          "DELETE FROM schema_version");
      !made)
    return made;
  return connection.query("INSERT INTO schema_version VALUES (?)", migrations.size()).run();
}

} // namespace

Result<void> migrate(Connection& connection, std::span<const Migration> migrations) {
  const auto version = schema_version(connection);
  if (!version) return std::unexpected(version.error());
  const auto wanted = static_cast<std::int64_t>(migrations.size());
  if (*version == wanted) return {};
  if (*version > wanted)
    return fail(Errc::store_rejected, "schema version " + std::to_string(*version) +
                                          " is of a later panier; this one knows " +
                                          std::to_string(wanted));
  if (auto begun = connection.begin(); !begun) return begun;
  if (auto done = step_up(connection, migrations); !done) {
    connection.rollback();
    return done;
  }
  return connection.commit();
}

} // namespace panier::store::sqlite
