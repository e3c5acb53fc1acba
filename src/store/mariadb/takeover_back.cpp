// Takeover: the calls of the way back, from a migration that was never finished and from one that
// was.
#include <fmt/format.h>
#include <predecessor_table.hpp>

#include "store/mariadb/rows.hpp"
#include "store/mariadb/session.hpp"
#include "store/mariadb/sql.hpp"
#include "store/mariadb/takeover.hpp"

namespace panier::store::mariadb {
namespace {

constexpr std::size_t row_bytes_expected = 400;
constexpr std::size_t noted_at_once = 10'000; // numbers in one statement
constexpr std::string_view predecessor_columns =
    "id_maria,id,user_id,articles,created_at,updated_at";

// The predecessor's times are texts of the server's own, and go back as they came.
void append_row(Sql& sql, const PredecessorRow& row) {
  sql.raw("(").number(row.id_maria).raw(",").quoted(row.id).raw(",").quoted(row.user_id).raw(",");
  if (row.articles)
    sql.quoted(*row.articles);
  else
    sql.raw("NULL");
  sql.raw(",").quoted(row.created_at).raw(",").quoted(row.updated_at).raw(")");
}

} // namespace

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
  auto made = run("DROP TABLE IF EXISTS panier;"
                  "CREATE TABLE panier LIKE panier_predecessor;"
                  "UPDATE panier_set_aside SET put_back=0 WHERE put_back<>0");
  if (!made) return made;
  // LIKE leaves out the counter: a number would be given out again that a deleted cart had.
  const auto next = next_id_maria("panier_retired");
  if (!next) return std::unexpected(next.error());
  return number_from(*next);
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
                    .id = std::string(row.text(1)),
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
        .list(rows, [&](const PredecessorRow& row) { append_row(sql, row); });
  if (!put_back.empty()) {
    sql.statement("UPDATE panier_set_aside SET put_back=1 WHERE id IN (");
    sql.list(put_back, [&](std::int64_t id) { sql.number(id); }).raw(")");
  }
  sql.statement("COMMIT");
  return run(sql);
}

Result<void> Takeover::give_back_foreign(const RefusedRow& refused) {
  const auto put_back = fmt::format(
      "INSERT INTO panier ({0}) SELECT {0} FROM panier_foreign_user WHERE document IS NULL",
      predecessor_columns);
  // A number 0 goes back as well.
  auto all = run("SET SESSION sql_mode=CONCAT(@@sql_mode,',NO_AUTO_VALUE_ON_ZERO')");
  if (all) all = run(put_back);
  if (all || all.error().code != Errc::store_rejected) return all;

  // One at least is refused: each by itself, then.
  std::vector<ReturningForeign> rows;
  const auto query = "SELECT seq,user_id,id_maria FROM panier_foreign_user WHERE document IS NULL "
                     "ORDER BY seq";
  if (auto sent = session_->go_on(query); !sent) return sent;
  auto read = session_->rows([&](const Row& row) -> Result<void> {
    const auto seq = number(row.text(0));
    const auto id_maria = number(row.text(2));
    if (!seq || !id_maria) return fail(Errc::store_corrupt, "panier_foreign_user cannot be read");
    rows.push_back({.seq = *seq,
                    .user_id = std::string(row.text(1)),
                    .id_maria = static_cast<std::uint32_t>(*id_maria),
                    .document = {}});
    return {};
  });
  if (!read) return read;
  for (const auto& row : rows) {
    const auto one = run(fmt::format("{} AND seq={}", put_back, row.seq));
    if (one) continue;
    if (one.error().code != Errc::store_rejected) return one;
    refused(row, one.error().detail);
  }
  return {};
}

Result<void> Takeover::foreign_documents(const TakeForeign& take) {
  const auto query = "SELECT seq,user_id,document FROM panier_foreign_user WHERE document IS NOT "
                     "NULL ORDER BY seq";
  if (auto sent = session_->go_on(query); !sent) return sent;
  return session_->rows([&](const Row& row) -> Result<void> {
    const auto seq = number(row.text(0));
    if (!seq) return std::unexpected(seq.error());
    ReturningForeign found{.seq = *seq, .user_id = {}, .document = std::string(row.text(2))};
    if (!row.null(1)) found.user_id = std::string(row.text(1));
    return take(std::move(found));
  });
}

Result<void> Takeover::note_foreign_put_back(std::span<const std::int64_t> but_not) {
  auto noted = run("UPDATE panier_foreign_user SET put_back=1");
  for (; noted && !but_not.empty();
       but_not = but_not.subspan(std::min(but_not.size(), noted_at_once))) {
    Sql sql;
    sql.statement("UPDATE panier_foreign_user SET put_back=0 WHERE seq IN (");
    sql.list(but_not.first(std::min(but_not.size(), noted_at_once)),
             [&](std::int64_t seq) { sql.number(seq); });
    noted = run(sql.raw(")"));
  }
  return noted;
}

Result<std::int64_t> Takeover::forget_put_back() {
  auto forgotten = run("DELETE FROM panier_foreign_user WHERE put_back=1;"
                       "DELETE FROM panier_set_aside WHERE put_back=1 OR taken_over=1");
  if (!forgotten) return std::unexpected(forgotten.error());
  return count("panier_set_aside");
}

Result<void> Takeover::remove_ours() {
  auto removed = run("DROP TABLE IF EXISTS panier_predecessor,panier_retired,panier_lane,"
                     "panier_mirror_lag,panier_idempotency,panier_floor,panier_schema");
  if (!removed) return removed;
  for (const std::string table : {"panier_set_aside", "panier_foreign_user"}) {
    const auto left = count(table);
    if (!left) return std::unexpected(left.error());
    if (*left == 0)
      if (auto dropped = run("DROP TABLE " + table); !dropped) return dropped;
  }
  return run("DROP TABLE IF EXISTS panier_migration");
}

} // namespace panier::store::mariadb
