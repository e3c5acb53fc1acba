#include "two_stores.hpp"

#include <thread>

#include "program.hpp"
#include "store/lines/lines_json.hpp"
#include "store/mongo/document.hpp"
#include "store/mongo/errors.hpp"
#include "store/mongo/replies.hpp"
#include "store/mongo/requests.hpp"
#include "store/mongo/target.hpp"

namespace panier::bench {
namespace {

namespace mongo = store::mongo;

constexpr const char* collection = "panier";
// A cart that another request has reserved is looked at again after this.
constexpr std::chrono::microseconds busy_retry{500};
constexpr std::chrono::seconds busy_wait_max{5};

constexpr std::string_view lock_cart =
    "SELECT id_maria,id,articles,version,deleted_at IS NOT NULL,reserved_version IS NOT NULL FROM "
    "panier WHERE user_id=? FOR UPDATE";
// A cart that is not there yet: a tombstone that carries its reservation.
constexpr std::string_view insert_reserved =
    "INSERT INTO panier (id,user_id,articles,deleted_at,reserved_version,reserved_token) VALUES "
    "(?,?,'[]',NOW(3),?,?)";
constexpr std::string_view reserve_cart =
    "UPDATE panier SET reserved_version=?,reserved_token=? WHERE id_maria=?";
constexpr std::string_view settle_cart =
    "UPDATE panier SET articles=?,version=reserved_version,token=reserved_token,"
    "updated_at=NOW(3),created_at=IF(deleted_at IS NOT NULL,NOW(3),created_at),"
    "deleted_at=IF(?,NULL,NOW(3)),reserved_version=NULL,reserved_token=NULL "
    "WHERE id=? AND reserved_token=?";
// Old content under a version above the one that the mirror may hold.
constexpr std::string_view abort_cart =
    "UPDATE panier SET version=reserved_version+1,reserved_version=NULL,reserved_token=NULL WHERE "
    "id=? AND reserved_token=?";
constexpr std::string_view add_lag =
    "INSERT INTO panier_mirror_lag (user_id,version) VALUES (?,?) ON DUPLICATE KEY UPDATE "
    "version=GREATEST(version,VALUES(version))";

std::string_view bytes_of(const cart::Token& token) {
  return {reinterpret_cast<const char*>(token.bytes().data()), token.bytes().size()};
}

} // namespace

MirrorClients mirror_clients(const config::Config& config) {
  auto target = must(mongo::make_target(app::mongo_settings(config)));
  bson_error_t error{};
  mongo::PoolPtr pool(mongoc_client_pool_new_with_error(target.uri.get(), &error));
  if (!pool) must(Result<void>(std::unexpected(mongo::to_error(error, false))));
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  return {.pool = std::move(pool), .database = target.database};
}

void prepare_two_stores(const store::mariadb::Settings& settings) {
  Mariadb connection(settings);
  connection.run("ALTER TABLE panier ADD COLUMN IF NOT EXISTS reserved_version BIGINT NULL,"
                 "ADD COLUMN IF NOT EXISTS reserved_token BINARY(16) NULL");
  connection.autocommit(false);
  connection.run(
      "INSERT INTO panier_mirror_lag (user_id,version) SELECT user_id,reserved_version+1 "
      "FROM panier WHERE reserved_version IS NOT NULL ON DUPLICATE KEY UPDATE "
      "version=GREATEST(panier_mirror_lag.version,VALUES(version))");
  connection.run("UPDATE panier SET version=reserved_version+1,reserved_version=NULL,"
                 "reserved_token=NULL WHERE reserved_version IS NOT NULL");
  connection.commit();
}

TwoStores::TwoStores(const store::mariadb::Settings& settings, MirrorClients mirror,
                     std::chrono::milliseconds mirror_timeout, const runtime::Clock& clock)
    : connection_(settings), mirror_(std::move(mirror)), mirror_timeout_(mirror_timeout),
      clock_(clock), rules_(clock), select_(connection_, select_cart),
      lock_(connection_, lock_cart), insert_(connection_, insert_reserved),
      reserve_(connection_, reserve_cart), settle_(connection_, settle_cart),
      abort_(connection_, abort_cart), lag_(connection_, add_lag) {}

Result<commit::Receipt> TwoStores::write(const cart::Operation& operation) {
  const auto give_up_at = clock_.steady() + busy_wait_max;
  auto reserved = reserve(operation);
  while (reserved && reserved->busy && clock_.steady() < give_up_at) {
    std::this_thread::sleep_for(busy_retry);
    reserved = reserve(operation);
  }
  if (!reserved) return std::unexpected(std::move(reserved).error());
  if (reserved->busy) return fail(Errc::cart_busy);
  const commit::Receipt receipt{.outcome = reserved->change.outcome, .mirrored = true};
  if (!receipt.outcome.changed) return receipt;

  if (const auto held = mirror(operation.user, *reserved); !held) {
    if (auto aborted = abort(operation.user, *reserved); !aborted)
      return std::unexpected(aborted.error());
    return fail(Errc::mirror_unavailable, held.error().detail);
  }
  if (auto settled = settle(*reserved); !settled) return std::unexpected(settled.error());
  return receipt;
}

Result<TwoStores::Reserved> TwoStores::reserve(const cart::Operation& operation) {
  return in_transaction(connection_, [&]() -> Result<Reserved> {
    connection_.autocommit(false);
    auto found = lock_.find(operation.user);
    if (found && lock_.flag()) {
      connection_.rollback();
      return Reserved{.change = {}, .token = {}, .busy = true};
    }
    auto change = rules_.apply(std::move(found), operation);
    if (!change) return std::unexpected(std::move(change).error());
    const auto token = rules_.token();
    if (change->outcome.changed) {
      const auto& [id_maria, cart] = change->stored;
      if (id_maria != 0) {
        reserve_.execute(cart.version, bytes_of(token), std::int64_t{id_maria});
      } else {
        insert_.execute(std::string_view(cart.id.hex()), std::string_view(operation.user.text()),
                        cart.version, bytes_of(token));
      }
    }
    connection_.commit();
    return Reserved{.change = *std::move(change), .token = token};
  });
}

// store_timeout and the like: nobody knows, so it is aborted.
Result<void> TwoStores::mirror(const cart::UserId& user, const Reserved& reserved) {
  const auto& [id_maria, cart] = reserved.change.stored;
  const commit::MirrorWrite write{.user = user,
                                  .cart = cart,
                                  .id_maria = id_maria,
                                  .token = reserved.token,
                                  .updated_at = clock_.wall()};
  mongo::Bson command, reply;
  mongo::append_update(command.get(), collection, std::span(&write, 1));
  mongo::append_write_concern(command.get(), mongo::wtimeout(mirror_timeout_));
  const mongo::ClientLoan client(mirror_.pool);
  if (client.get() == nullptr) return fail(Errc::store_unreachable, "no client in the pool");
  bson_error_t error{};
  if (!mongoc_client_command_simple(client.get(), mirror_.database.c_str(), command.get(), nullptr,
                                    reply.reset(), &error))
    return std::unexpected(mongo::to_error(error, true));
  const auto took = mongo::update_reply(reply.get(), 1);
  if (!took) return std::unexpected(took.error());
  if (took->front() != commit::Took::held)
    return fail(Errc::store_rejected, "the mirror did not take it");
  return {};
}

Result<void> TwoStores::settle(const Reserved& reserved) {
  const auto& cart = reserved.change.stored.cart;
  const auto articles = store::lines_to_json(cart.lines);
  return in_transaction(connection_, [&]() -> Result<void> {
    const auto settled =
        settle_.execute(std::string_view(articles), std::int64_t{cart.exists ? 1 : 0},
                        std::string_view(cart.id.hex()), bytes_of(reserved.token));
    if (settled != 1) return fail(Errc::internal, "the reservation is gone");
    connection_.commit();
    return {};
  });
}

Result<void> TwoStores::abort(const cart::UserId& user, const Reserved& reserved) {
  const auto& cart = reserved.change.stored.cart;
  return in_transaction(connection_, [&]() -> Result<void> {
    abort_.execute(std::string_view(cart.id.hex()), bytes_of(reserved.token));
    lag_.execute(std::string_view(user.text()), cart.version + 1);
    connection_.commit();
    return {};
  });
}

Result<commit::View> TwoStores::read(const cart::UserId& user) {
  return in_transaction(connection_, [&]() -> Result<commit::View> {
    connection_.autocommit(true);
    return view_of(user, select_.find(user));
  });
}

} // namespace panier::bench
