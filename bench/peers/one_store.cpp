#include "one_store.hpp"

#include "store/lines/lines_json.hpp"

namespace panier::bench {
namespace {

constexpr std::string_view lock_cart =
    "SELECT id_maria,id,articles,version,deleted_at IS NOT NULL,0 FROM panier WHERE user_id=? FOR "
    "UPDATE";
constexpr std::string_view update_cart =
    "UPDATE panier SET articles=?,version=?,updated_at=NOW(3),"
    "created_at=IF(deleted_at IS NOT NULL,NOW(3),created_at),deleted_at=IF(?,NULL,NOW(3)) WHERE "
    "id_maria=?";
constexpr std::string_view insert_cart =
    "INSERT INTO panier (id,user_id,articles,version,created_at,updated_at,deleted_at) VALUES "
    "(?,?,?,?,NOW(3),NOW(3),IF(?,NULL,NOW(3)))";

} // namespace

OneStore::OneStore(const store::mariadb::Settings& settings, const runtime::Clock& clock)
    : connection_(settings), rules_(clock), select_(connection_, select_cart),
      lock_(connection_, lock_cart), update_(connection_, update_cart),
      insert_(connection_, insert_cart) {}

Result<commit::Receipt> OneStore::write(const cart::Operation& operation) {
  return in_transaction(connection_, [&]() -> Result<commit::Receipt> {
    connection_.autocommit(false);
    const auto change = rules_.apply(lock_.find(operation.user), operation);
    if (!change) return std::unexpected(change.error());
    if (change->outcome.changed) {
      const auto& [id_maria, cart] = change->stored;
      const auto articles = store::lines_to_json(cart.lines);
      const std::int64_t exists = cart.exists ? 1 : 0;
      if (id_maria != 0) {
        update_.execute(std::string_view(articles), cart.version, exists, std::int64_t{id_maria});
      } else {
        insert_.execute(std::string_view(cart.id.hex()), std::string_view(operation.user.text()),
                        std::string_view(articles), cart.version, exists);
      }
    }
    connection_.commit();
    return commit::Receipt{.outcome = change->outcome, .mirrored = false};
  });
}

Result<commit::View> OneStore::read(const cart::UserId& user) {
  return in_transaction(connection_, [&]() -> Result<commit::View> {
    connection_.autocommit(true);
    return view_of(user, select_.find(user));
  });
}

PointReads::PointReads(const store::mariadb::Settings& settings)
    : connection_(settings), select_(connection_, select_cart) {}

Result<commit::Receipt> PointReads::write(const cart::Operation&) {
  return fail(Errc::not_implemented, "this peer only reads");
}

Result<commit::View> PointReads::read(const cart::UserId& user) {
  return in_transaction(
      connection_, [&]() -> Result<commit::View> { return view_of(user, select_.find(user)); });
}

} // namespace panier::bench
