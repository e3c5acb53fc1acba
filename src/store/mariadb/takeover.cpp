#include "store/mariadb/takeover.hpp"

#include <fmt/format.h>
#include <migrate_tables.hpp>

#include "store/lines/lines_json.hpp"
#include "store/mariadb/rows.hpp"
#include "store/mariadb/schema.hpp"
#include "store/mariadb/session.hpp"
#include "store/mariadb/sql.hpp"

namespace panier::store::mariadb {
namespace {

using namespace std::chrono_literals;

constexpr int scan_page_rows = 5'000;
constexpr std::size_t row_bytes_expected = 400;
// A run that was killed a moment ago has its turn until the server is done with its last statement.
constexpr int turn_wait_s = 10;
// The turn's name is not the schema's lock, which a migration takes as well, for a moment.
constexpr std::string_view turn_name = "CONCAT('panier.migrate.',MD5(DATABASE()))";

// A migration may wait where a shopper may not: for a table of a million rows to be made or
// dropped, and for the last statement of the predecessor's to end.
Settings patient(Settings settings) {
  settings.connect_timeout = 5s;
  settings.read_timeout = 120s;
  settings.write_timeout = 60s;
  settings.lock_wait = 10s;
  settings.idle_transaction = 60s;
  settings.schema_timeout = 120s;
  return settings;
}

constexpr std::array<std::pair<Stage, std::string_view>, 4> stage_names{
    {{Stage::copying, "copying"},
     {Stage::migrated, "migrated"},
     {Stage::undoing, "undoing"},
     {Stage::cleaning, "cleaning"}}};

std::string_view to_text(Stage stage) {
  const auto named =
      std::ranges::find(stage_names, stage, &std::pair<Stage, std::string_view>::first);
  return named->second; // nobody writes Stage::none
}

Result<Stage> stage_of(std::string_view text) {
  const auto named =
      std::ranges::find(stage_names, text, &std::pair<Stage, std::string_view>::second);
  if (named == stage_names.end())
    return fail(Errc::store_corrupt, fmt::format("panier_migration: unknown stage {}", text));
  return named->first;
}

std::optional<std::string> optional_text(const Row& row, unsigned column) {
  if (row.null(column)) return std::nullopt;
  return std::string(row.text(column));
}

Sql& append(Sql& sql, const std::optional<std::string>& text) {
  return text ? sql.quoted(*text) : sql.raw("NULL");
}

void write_carts(Sql& sql, std::span<const commit::CartRow> carts) {
  sql.statement("INSERT INTO panier (id_maria,id,user_id,articles,version,created_at,updated_at) "
                "VALUES ")
      .list(carts, [&](const commit::CartRow& row) {
        sql.raw("(").number(row.id_maria).raw(",").quoted(row.cart.id.hex()).raw(",");
        sql.user(row.user).raw(",").quoted(articles_text(row)).raw(",");
        sql.number(row.cart.version).raw(",").timestamp(row.created_at).raw(",");
        sql.timestamp(row.updated_at).raw(")");
      });
}

void write_aside(Sql& sql, std::span<const SetAside> aside, cart::Version migration) {
  sql.statement("INSERT INTO panier_set_aside (migration,user_id,origin,reason,content,whole,"
                "taken_over) VALUES ")
      .list(aside, [&](const SetAside& kept) {
        sql.raw("(").number(migration).raw(",").user(kept.user).raw(",").quoted(kept.origin);
        sql.raw(",").quoted(kept.reason).raw(",").quoted(kept.content).raw(",");
        sql.number(kept.whole ? 1 : 0).raw(",").number(kept.taken_over ? 1 : 0).raw(")");
      });
}

void write_foreign(Sql& sql, std::span<const ForeignUser> foreign, cart::Version migration) {
  sql.statement("INSERT INTO panier_foreign_user (migration,origin,document,user_id,id_maria,id,"
                "articles,created_at,updated_at) VALUES ")
      .list(foreign, [&](const ForeignUser& one) {
        sql.raw("(").number(migration).raw(",").quoted(one.origin).raw(",");
        if (!one.row) {
          append(sql.quoted(one.document).raw(","), one.user_id).raw(",NULL,NULL,NULL,NULL,NULL)");
          return;
        }
        sql.raw("NULL,").quoted(one.row->user_id).raw(",").number(one.row->id_maria).raw(",");
        append(sql.quoted(one.row->id).raw(","), one.row->articles).raw(",");
        sql.quoted(one.row->created_at).raw(",").quoted(one.row->updated_at).raw(")");
      });
}

PredecessorRow predecessor_row(const Row& row, std::int64_t id_maria) {
  return {.id_maria = static_cast<std::uint32_t>(id_maria),
          .id = std::string(row.text(1)),
          .user_id = std::string(row.text(2)),
          .articles = optional_text(row, 3),
          .created_at = std::string(row.text(4)),
          .updated_at = std::string(row.text(5))};
}

} // namespace

std::optional<commit::LedgerTime> time_of(std::string_view text) {
  const auto time = ledger_time(text);
  return time ? std::optional(*time) : std::nullopt;
}

Takeover::Takeover(const Settings& settings)
    : settings_(patient(settings)), resolver_(std::make_shared<Resolver>(settings_.host)),
      session_(std::make_unique<Session>(settings_, resolver_)) {}

Takeover::~Takeover() = default;

Result<void> Takeover::run(std::string_view packet) {
  if (auto sent = session_->go_on(packet); !sent) return sent;
  auto done = session_->all_done();
  if (!done) session_->skip_answers();
  return done;
}

Result<void> Takeover::run(const Sql& sql) {
  return run(sql.text());
}

Result<std::vector<std::string>> Takeover::texts_of(std::string_view query) {
  std::vector<std::string> texts;
  if (auto sent = session_->go_on(query); !sent) return std::unexpected(sent.error());
  auto read = session_->rows([&](const Row& row) -> Result<void> {
    texts.emplace_back(row.text(0));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return texts;
}

Result<std::int64_t> Takeover::number_of(std::string_view query) {
  const auto texts = texts_of(query);
  if (!texts) return std::unexpected(texts.error());
  if (texts->size() != 1) return fail(Errc::internal, "one number was expected");
  return number(texts->front());
}

Result<void> Takeover::take_turn() {
  const auto query = fmt::format("SELECT COALESCE(GET_LOCK({},{}),0)", turn_name, turn_wait_s);
  if (auto sent = session_->begin(query); !sent) return sent;
  bool ours = false;
  auto read = session_->rows([&](const Row& row) -> Result<void> {
    ours = row.text(0) == "1";
    return {};
  });
  if (!read) return read;
  if (!ours)
    return fail(Errc::store_conflict, "another panier migrate is at work on this database");
  // The turn of a run that was killed goes at once, while the server still makes the tables that
  // its other session asked for (make_ours).
  return wait_for_schema(*session_);
}

Result<Situation> Takeover::look() {
  const auto tables = texts_of("SELECT table_name FROM information_schema.tables WHERE "
                               "table_schema=DATABASE() AND table_name LIKE 'panier%'");
  if (!tables) return std::unexpected(tables.error());
  const auto there = [&](std::string_view name) {
    return std::ranges::find(*tables, name) != tables->end();
  };
  Situation found;
  found.put_away = there("panier_predecessor");
  found.retired = there("panier_retired");
  if (there("panier")) {
    const auto versioned = number_of("SELECT COUNT(*) FROM information_schema.columns WHERE "
                                     "table_schema=DATABASE() AND table_name='panier' AND "
                                     "column_name='version'");
    if (!versioned) return std::unexpected(versioned.error());
    found.panier = *versioned > 0 ? Situation::Table::ours : Situation::Table::predecessors;
  }
  if (!there("panier_migration")) return found;
  const auto stage = texts_of("SELECT stage FROM panier_migration");
  if (!stage) return std::unexpected(stage.error());
  if (stage->empty()) return fail(Errc::store_corrupt, "panier_migration has lost its row");
  const auto known = stage_of(stage->front());
  if (!known) return std::unexpected(known.error());
  const auto version = number_of("SELECT version FROM panier_migration");
  if (!version) return std::unexpected(version.error());
  found.stage = *known;
  found.version = *version;
  return found;
}

Result<std::int64_t> Takeover::count(std::string_view table) {
  return number_of(fmt::format("SELECT COUNT(*) FROM {}", table));
}

Result<std::int64_t> Takeover::next_id_maria(std::string_view table) {
  return number_of(
      fmt::format("SELECT GREATEST(COALESCE((SELECT AUTO_INCREMENT FROM "
                  "information_schema.tables WHERE table_schema=DATABASE() AND "
                  "table_name='{0}'),1),(SELECT COALESCE(MAX(id_maria),0)+1 FROM {0}))",
                  table));
}

Result<void> Takeover::scan(std::string_view table, const TakeRow& take) {
  for (std::int64_t from = 0;;) { // 0 too: a restored dump may have one
    int rows = 0;
    const auto query =
        fmt::format("SELECT id_maria,id,user_id,articles,created_at,updated_at FROM {} "
                    "WHERE id_maria>={} ORDER BY id_maria LIMIT {}",
                    table, from, scan_page_rows);
    if (auto sent = session_->go_on(query); !sent) return sent;
    auto read = session_->rows([&](const Row& row) -> Result<void> {
      const auto id_maria = number(row.text(0));
      if (!id_maria) return std::unexpected(id_maria.error());
      from = *id_maria + 1;
      ++rows;
      return take(predecessor_row(row, *id_maria));
    });
    if (!read) return read;
    if (rows < scan_page_rows) return {};
  }
}

// The table and its row come by one statement, so that no kill leaves one without the other. It
// goes first: whatever else of ours there is, it says so.
Result<cart::Version> Takeover::begin(Stage stage) {
  auto noted = run(fmt::format(
      "CREATE TABLE IF NOT EXISTS panier_migration (id TINYINT UNSIGNED NOT NULL PRIMARY KEY,"
      "stage VARCHAR(16) NOT NULL,version BIGINT NOT NULL,started_at DATETIME(3) NOT NULL) "
      "ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin SELECT 1 AS id,'{0}' AS stage,"
      "{1} AS version,NOW(3) AS started_at;"
      // The predecessor's table was restored over a migration: that is a new one.
      "UPDATE panier_migration SET version=IF(stage='{2}' AND '{0}'='{3}',{1},version),stage='{0}'",
      to_text(stage), "FLOOR(UNIX_TIMESTAMP(NOW(3))*1000)", to_text(Stage::migrated),
      to_text(Stage::copying)));
  if (!noted) return std::unexpected(noted.error());
  for (const auto& [name, text] : migrate_tables)
    if (auto made = run(text); !made) return std::unexpected(made.error());
  return number_of("SELECT version FROM panier_migration");
}

Result<void> Takeover::set_stage(Stage stage) {
  return run(fmt::format("UPDATE panier_migration SET stage='{}'", to_text(stage)));
}

Result<void> Takeover::put_away() {
  return run("RENAME TABLE panier TO panier_predecessor");
}

Result<void> Takeover::make_ours(cart::Version migration) {
  Session other(settings_, resolver_); // it ends the session that it was given
  if (auto made = bring_schema_up_to_date(other, For::migration); !made) return made;
  if (auto emptied = run("TRUNCATE TABLE panier"); !emptied) return emptied;
  return forget(migration);
}

Result<void> Takeover::forget(cart::Version migration) {
  return run(fmt::format("DELETE FROM panier_set_aside WHERE migration={0};"
                         "DELETE FROM panier_foreign_user WHERE migration={0}",
                         migration));
}

Result<void> Takeover::write(const TakeoverPage& page, cart::Version migration) {
  Sql sql(1024 + page.carts.size() * row_bytes_expected);
  sql.statement("BEGIN");
  if (!page.carts.empty()) write_carts(sql, page.carts);
  if (!page.aside.empty()) write_aside(sql, page.aside, migration);
  if (!page.foreign.empty()) write_foreign(sql, page.foreign, migration);
  sql.statement("COMMIT");
  return run(sql);
}

Result<void> Takeover::number_from(std::int64_t next_id_maria) {
  return run(fmt::format("ALTER TABLE panier AUTO_INCREMENT={}", next_id_maria));
}

} // namespace panier::store::mariadb
