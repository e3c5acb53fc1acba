#include "store/mariadb/takeover.hpp"

#include <fmt/format.h>
#include <migrate_tables.hpp>
#include <predecessor_table.hpp>

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

// The predecessor's times are texts of the server's own, and go back as they came.
void append_row(Sql& sql, const PredecessorRow& row) {
  sql.number(row.id_maria).raw(",").quoted(row.id).raw(",").quoted(row.user_id).raw(",");
  append(sql, row.articles).raw(",").quoted(row.created_at).raw(",").quoted(row.updated_at);
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

constexpr std::string_view predecessor_columns =
    "id_maria,id,user_id,articles,created_at,updated_at";

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
  return {};
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
  for (std::int64_t after = 0;;) {
    int rows = 0;
    const auto query = fmt::format("SELECT {} FROM {} WHERE id_maria>{} ORDER BY id_maria LIMIT {}",
                                   predecessor_columns, table, after, scan_page_rows);
    if (auto sent = session_->go_on(query); !sent) return sent;
    auto read = session_->rows([&](const Row& row) -> Result<void> {
      const auto id_maria = number(row.text(0));
      if (!id_maria) return std::unexpected(id_maria.error());
      after = *id_maria;
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
  if (auto made = bring_schema_up_to_date(other); !made) return made;
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

Result<void> Takeover::bring_back() {
  return run("DROP TABLE IF EXISTS panier;RENAME TABLE panier_predecessor TO panier");
}

Result<std::vector<Takeover::Beat>> Takeover::recent_beats() {
  std::vector<Beat> beats;
  // As old as dead_lane_after: what is older is dead for everybody.
  const auto query = "SELECT CONCAT(instance,' ',lane),heartbeat FROM panier_lane WHERE "
                     "heartbeat>NOW(3)-INTERVAL 60 SECOND ORDER BY instance,lane";
  if (auto sent = session_->go_on(query); !sent) return std::unexpected(sent.error());
  auto read = session_->rows([&](const Row& row) -> Result<void> {
    beats.push_back({std::string(row.text(0)), std::string(row.text(1))});
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return beats;
}

Result<void> Takeover::retire_ours() {
  for (const auto& [name, text] : predecessor_table) // where the original is gone
    if (auto made = run(text); !made) return made;
  const auto found = look();
  if (!found) return std::unexpected(found.error());
  if (!found->retired)
    if (auto retired = run("RENAME TABLE panier TO panier_retired"); !retired) return retired;
  return run("DROP TABLE IF EXISTS panier;"
             "CREATE TABLE panier LIKE panier_predecessor;"
             "UPDATE panier_set_aside SET put_back=0 WHERE put_back<>0");
}

Result<std::int64_t> Takeover::user_id_chars_max() {
  return number_of("SELECT character_maximum_length FROM information_schema.columns WHERE "
                   "table_schema=DATABASE() AND table_name='panier_predecessor' AND "
                   "column_name='user_id'");
}

Result<std::vector<ReturningCart>> Takeover::returning(std::uint32_t after, int limit,
                                                       cart::Version migration) {
  std::vector<ReturningCart> page;
  const auto carts = fmt::format(
      "SELECT {},DATE_FORMAT(p.created_at,'%Y-%m-%d %T'),DATE_FORMAT(p.updated_at,'%Y-%m-%d %T') "
      "FROM panier_retired p WHERE p.id_maria>{} AND p.deleted_at IS NULL ORDER BY p.id_maria "
      "LIMIT {}",
      cart_columns, after, limit);
  if (auto sent = session_->go_on(carts); !sent) return std::unexpected(sent.error());
  auto read = session_->rows([&](const Row& row) -> Result<void> {
    auto cart = cart_row(row);
    if (!cart) return std::unexpected(cart.error());
    page.push_back({.cart = *std::move(cart),
                    .created_at = std::string(row.text(cart_columns_count)),
                    .updated_at = std::string(row.text(cart_columns_count + 1)),
                    .kept = {}});
    return {};
  });
  if (!read) return std::unexpected(read.error());
  if (page.empty()) return page;

  std::vector<ReturningCart*> by_user;
  by_user.reserve(page.size());
  for (auto& one : page)
    by_user.push_back(&one);
  const auto user_at = [](const ReturningCart* one) -> const cart::UserId& {
    return one->cart.user;
  };
  std::ranges::sort(by_user, {}, user_at);
  const auto kept = fmt::format(
      "SELECT s.id,p.user_id,s.origin,s.content,s.whole FROM panier_retired p JOIN "
      "panier_set_aside "
      "s ON s.user_id=p.user_id AND s.migration={2} AND s.taken_over=0 WHERE p.id_maria>{0} AND "
      "p.id_maria<={1} AND p.deleted_at IS NULL AND p.version={2} ORDER BY s.id",
      after, page.back().cart.id_maria, migration);
  if (auto sent = session_->go_on(kept); !sent) return std::unexpected(sent.error());
  read = session_->rows([&](const Row& row) -> Result<void> {
    const auto id = number(row.text(0));
    const auto owner = user(row.text(1));
    if (!id || !owner) return fail(Errc::store_corrupt, "panier_set_aside cannot be read");
    const auto at = std::ranges::lower_bound(by_user, *owner, {}, user_at);
    if (at != by_user.end() && (*at)->cart.user == *owner)
      (*at)->kept.push_back(
          {*id, std::string(row.text(2)), std::string(row.text(3)), row.text(4) == "1"});
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return page;
}

Result<void> Takeover::give_back(std::span<const PredecessorRow> rows,
                                 std::span<const std::int64_t> put_back) {
  Sql sql(1024 + rows.size() * row_bytes_expected);
  sql.statement("BEGIN");
  if (!rows.empty())
    sql.statement("INSERT INTO panier (")
        .raw(predecessor_columns)
        .raw(") VALUES ")
        .list(rows, [&](const PredecessorRow& row) {
          sql.raw("(");
          append_row(sql, row);
          sql.raw(")");
        });
  if (!put_back.empty()) {
    sql.statement("UPDATE panier_set_aside SET put_back=1 WHERE id IN (");
    sql.list(put_back, [&](std::int64_t id) { sql.number(id); }).raw(")");
  }
  sql.statement("COMMIT");
  return run(sql);
}

Result<std::int64_t> Takeover::give_back_foreign(const TakeDocument& take) {
  auto rows = run("INSERT INTO panier (id_maria,id,user_id,articles,created_at,updated_at) SELECT "
                  "id_maria,id,user_id,articles,created_at,updated_at FROM panier_foreign_user "
                  "WHERE document IS NULL");
  if (!rows) return std::unexpected(rows.error());
  const auto query = "SELECT document FROM panier_foreign_user WHERE document IS NOT NULL ORDER BY "
                     "seq";
  if (auto sent = session_->go_on(query); !sent) return std::unexpected(sent.error());
  auto read = session_->rows([&](const Row& row) { return take(std::string(row.text(0))); });
  if (!read) return std::unexpected(read.error());
  return count("panier_foreign_user");
}

Result<std::int64_t> Takeover::forget_put_back() {
  auto forgotten = run("DELETE FROM panier_foreign_user;"
                       "DELETE FROM panier_set_aside WHERE put_back=1 OR taken_over=1");
  if (!forgotten) return std::unexpected(forgotten.error());
  return count("panier_set_aside");
}

Result<void> Takeover::remove_ours() {
  auto removed = run("DROP TABLE IF EXISTS panier_predecessor,panier_retired,panier_lane,"
                     "panier_mirror_lag,panier_idempotency,panier_floor,panier_schema,"
                     "panier_foreign_user");
  if (!removed) return removed;
  const auto left = count("panier_set_aside");
  if (!left) return std::unexpected(left.error());
  if (*left == 0)
    if (auto dropped = run("DROP TABLE panier_set_aside"); !dropped) return dropped;
  return run("DROP TABLE IF EXISTS panier_migration");
}

} // namespace panier::store::mariadb
