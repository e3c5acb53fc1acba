#include "migrate/work_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "store/sqlite/connection.hpp"

namespace panier::migrate {
namespace {

using store::sqlite::Connection;
using store::sqlite::Statement;

constexpr auto lock_wait = std::chrono::milliseconds(1'000); // nobody else has it

// Nothing here must survive anything; pages beyond the cache (32 MiB) are on the disk. key NULL: no
// user of panier's.
constexpr std::string_view schema =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-32768;"
    "CREATE TABLE source (key TEXT, origin INTEGER, id_maria INTEGER, id TEXT, user TEXT,"
    " body TEXT, created TEXT, updated TEXT);"
    "CREATE TABLE taken_id (id TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE taken_id_maria (id_maria INTEGER PRIMARY KEY);"
    "BEGIN";

Origin origin_of(const Statement& found) {
  return found.integer(1) == 0 ? Origin::mariadb : Origin::mongodb;
}

std::optional<std::string> text_of(const Statement& found, int column) {
  if (found.null(column)) return std::nullopt;
  return std::string(found.text(column));
}

Row row_of(const Statement& found) {
  return {.id_maria = static_cast<std::uint32_t>(found.integer(2)),
          .id = std::string(found.text(3)),
          .user_id = std::string(found.text(4)),
          .articles = text_of(found, 5),
          .created_at = std::string(found.text(6)),
          .updated_at = std::string(found.text(7))};
}

Document document_of(const Statement& found) {
  return {.id = std::string(found.text(3)),
          .user_id = text_of(found, 4),
          .id_maria = static_cast<std::uint32_t>(found.integer(2)),
          .json = std::string(found.text(5))};
}

// temp_directory_path() gives no name where there is no such directory.
std::filesystem::path directory() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? named : "/tmp";
}

std::unexpected<Error> trouble(std::string detail) {
  return fail(Errc::store_denied,
              "the work file in " + directory().string() + " (TMPDIR): " + std::move(detail));
}

} // namespace

WorkFile::WorkFile(std::unique_ptr<Connection> file) : file_(std::move(file)) {}
WorkFile::~WorkFile() = default;

Result<std::unique_ptr<WorkFile>> WorkFile::make() {
  std::error_code error;
  auto name = (directory() / "panier-migrate-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) return trouble("cannot be made");
  ::close(descriptor);
  auto file = Connection::open(name, Connection::WhenAbsent::refuse, lock_wait);
  Result<void> made = file ? (*file)->script(schema) : std::unexpected(file.error());
  for (const auto* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(name + suffix, error);
  if (!made) return trouble(made.error().detail);
  return std::unique_ptr<WorkFile>(new WorkFile(std::move(*file)));
}

Result<void> WorkFile::add(const Row& row) {
  return file_
      ->query("INSERT INTO source VALUES (?,0,?,?,?,?,?,?)",
              group_key(Origin::mariadb, row.user_id), row.id_maria, row.id, row.user_id,
              row.articles, row.created_at, row.updated_at)
      .run();
}

Result<void> WorkFile::add(const Document& document) {
  std::optional<std::string> key;
  if (document.user_id) key = group_key(Origin::mongodb, *document.user_id);
  return file_
      ->query("INSERT INTO source VALUES (?,1,?,?,?,?,NULL,NULL)", key, document.id_maria,
              document.id, document.user_id, document.json)
      .run();
}

Result<void> WorkFile::sort() {
  return file_->script("CREATE INDEX by_key ON source (key,origin,id_maria,id);"
                       "CREATE INDEX by_id ON source (id,origin);"
                       "CREATE INDEX by_id_maria ON source (id_maria,origin);"
                       "CREATE INDEX by_foreign_id ON source (id COLLATE NOCASE) "
                       "WHERE key IS NULL AND origin=0");
}

Result<void> WorkFile::foreign(const TakeRow& row, const TakeDocument& document) {
  auto found =
      file_->query("SELECT * FROM source WHERE key IS NULL ORDER BY origin,id_maria,id,body");
  while (true) {
    const auto more = found.step();
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    const auto taken =
        origin_of(found) == Origin::mariadb ? row(row_of(found)) : document(document_of(found));
    if (!taken) return taken;
  }
}

Result<void> WorkFile::groups(const TakeGroup& take) {
  auto found = file_->query("SELECT * FROM source INDEXED BY by_key WHERE key IS NOT NULL "
                            "ORDER BY key,origin,id_maria,id");
  Group group;
  std::string key;
  while (true) {
    const auto more = found.step();
    if (!more) return std::unexpected(more.error());
    const bool ends = !*more || found.text(0) != key;
    if (ends && !key.empty())
      if (auto taken = take(std::exchange(group, {})); !taken) return taken;
    if (!*more) return {};
    key = found.text(0);
    if (origin_of(found) == Origin::mariadb)
      group.rows.push_back(row_of(found));
    else
      group.documents.push_back(document_of(found));
  }
}

Result<bool> WorkFile::take_id(const std::string& id, const cart::UserId& user) {
  {
    // A foreign row goes back with its id, which MariaDB compares without case.
    auto others = file_->query("SELECT 1 FROM source WHERE id=? AND origin=1 AND user IS NOT ? "
                               "UNION ALL SELECT 1 FROM source WHERE id=? COLLATE NOCASE AND "
                               "key IS NULL AND origin=0",
                               id, user.text(), id);
    const auto found = others.step();
    if (!found) return std::unexpected(found.error());
    if (*found) return false;
  }
  if (auto taken = file_->query("INSERT OR IGNORE INTO taken_id VALUES (?)", id).run(); !taken)
    return std::unexpected(taken.error());
  return file_->changes() == 1;
}

Result<bool> WorkFile::take_id_maria(std::uint32_t id_maria) {
  {
    auto rows = file_->query("SELECT 1 FROM source WHERE id_maria=? AND origin=0", id_maria);
    const auto found = rows.step();
    if (!found) return std::unexpected(found.error());
    if (*found) return false;
  }
  auto taken = file_->query("INSERT OR IGNORE INTO taken_id_maria VALUES (?)", id_maria).run();
  if (!taken) return std::unexpected(taken.error());
  return file_->changes() == 1;
}

} // namespace panier::migrate
