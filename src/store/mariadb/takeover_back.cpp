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
        .list(rows, [&](const PredecessorRow& row) { append_row(sql, row); });
  if (!put_back.empty()) {
    sql.statement("UPDATE panier_set_aside SET put_back=1 WHERE id IN (");
    sql.list(put_back, [&](std::int64_t id) { sql.number(id); }).raw(")");
  }
  sql.statement("COMMIT");
  return run(sql);
}

Result<std::int64_t> Takeover::give_back_foreign(const TakeDocument& take) {
  auto rows = run(fmt::format(
      "INSERT INTO panier ({0}) SELECT {0} FROM panier_foreign_user WHERE document IS NULL",
      predecessor_columns));
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
