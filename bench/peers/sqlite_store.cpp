#include "sqlite_store.hpp"

#include "program.hpp"
#include "store/lines/lines_json.hpp"
#include "store/sqlite/ledger.hpp"

namespace panier::bench {

using store::sqlite::Connection;

SqliteStore::SqliteStore(const store::sqlite::Settings& settings, const runtime::Clock& clock)
    : clock_(clock),
      connection_(must(Connection::open(store::sqlite::ledger_file(settings),
                                        Connection::WhenAbsent::refuse, settings.lock_wait))),
      rules_(clock) {}

Result<std::optional<StoredCart>> SqliteStore::find(const cart::UserId& user) {
  auto row = connection_->query(
      "SELECT id_maria, id, articles, version, deleted_at IS NULL FROM panier WHERE user_id = ?",
      user.text());
  const auto found = row.step();
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  const auto id = cart::CartId::parse(row.text(1));
  auto lines = store::lines_from_json(row.text(2));
  if (!id || !lines) return fail(Errc::internal, "a cart that cannot be read");
  return StoredCart{.id_maria = static_cast<std::uint32_t>(row.integer(0)),
                    .cart = {.id = *id,
                             .version = row.integer(3),
                             .exists = row.integer(4) != 0,
                             .lines = *std::move(lines)}};
}

Result<void> SqliteStore::store(const cart::UserId& user, const Change& change) {
  const auto& [id_maria, cart] = change.stored;
  const auto now_ms = clock_.wall().time_since_epoch().count();
  if (id_maria != 0) {
    return connection_
        ->query("UPDATE panier SET articles = ?1, version = ?2, updated_at = ?3, deleted_at = CASE "
                "WHEN ?4 THEN NULL ELSE ?3 END WHERE id_maria = ?5",
                store::lines_to_json(cart.lines), cart.version, now_ms, cart.exists, id_maria)
        .run();
  }
  return connection_
      ->query("INSERT INTO panier (id, user_id, articles, version, token, created_at, updated_at, "
              "deleted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, CASE WHEN ?7 THEN NULL ELSE ?6 END)",
              cart.id.hex(), user.text(), store::lines_to_json(cart.lines), cart.version,
              cart::Token{}.bytes(), now_ms, cart.exists)
      .run();
}

Result<Change> SqliteStore::change(const cart::Operation& operation) {
  auto found = find(operation.user);
  if (!found) return std::unexpected(std::move(found).error());
  auto change = rules_.apply(*std::move(found), operation);
  if (!change || !change->outcome.changed) return change;
  if (auto stored = store(operation.user, *change); !stored)
    return std::unexpected(std::move(stored).error());
  return change;
}

Result<commit::Receipt> SqliteStore::write(const cart::Operation& operation) {
  if (auto begun = connection_->begin(); !begun) return std::unexpected(begun.error());
  const auto changed = change(operation);
  if (!changed) {
    connection_->rollback();
    return std::unexpected(changed.error());
  }
  if (auto done = connection_->commit(); !done) return std::unexpected(done.error());
  return commit::Receipt{.outcome = changed->outcome, .mirrored = false};
}

Result<commit::View> SqliteStore::read(const cart::UserId& user) {
  auto found = find(user);
  if (!found) return std::unexpected(std::move(found).error());
  if (!*found || !(*found)->cart.exists) return fail(Errc::cart_not_found);
  return commit::View{
      .user = user, .cart = std::move((*found)->cart), .id_maria = (*found)->id_maria};
}

} // namespace panier::bench
