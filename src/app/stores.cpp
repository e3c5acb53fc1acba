#include "app/stores.hpp"

#include "store/mariadb/ledger_store.hpp"
#include "store/mongo/mongo_mirror.hpp"
#include "store/sqlite/stores.hpp"

namespace panier::app {
namespace {

using config::Config;
using config::LedgerKind;
using config::MirrorKind;

Result<std::unique_ptr<commit::MirrorStore>> mongo_mirror(const Config& config) {
  auto store = store::mongo::MongoMirrorStore::make(mongo_settings(config));
  if (!store) return std::unexpected(store.error());
  return std::move(*store);
}

} // namespace

store::mariadb::Settings mariadb_settings(const config::MariaDb& server) {
  store::mariadb::Settings settings;
  settings.host = server.host;
  settings.port = server.port;
  settings.user = server.login;
  settings.password = server.password.reveal();
  settings.database = server.database;
  return settings;
}

store::mongo::Settings mongo_settings(const Config& config) {
  store::mongo::Settings settings;
  settings.uri = config.mongodb->uri.reveal();
  settings.database = config.mongodb->database;
  settings.timeout = config.mirror_timeout;
  return settings;
}

Result<OpenStores> open_stores(const Config& config, const runtime::Clock& clock, Access access) {
  OpenStores stores;
  store::sqlite::Settings sqlite;
  if (config.ledger == LedgerKind::sqlite || config.mirror == MirrorKind::sqlite) {
    auto dir = access == Access::serve ? store::sqlite::DataDirectory::claim(config.data_dir)
                                       : store::sqlite::DataDirectory::visit(config.data_dir);
    if (!dir) return std::unexpected(dir.error());
    sqlite.dir = std::move(*dir);
  }
  if (config.ledger == LedgerKind::mariadb) {
    stores.ledger =
        std::make_unique<store::mariadb::MariadbLedgerStore>(mariadb_settings(*config.mariadb));
  } else {
    auto ledger = std::make_unique<store::sqlite::SqliteLedgerStore>(sqlite, clock);
    if (access == Access::visit && !ledger->is_set_up())
      return fail(Errc::config_invalid,
                  "data directory " + config.data_dir.string() +
                      " has no ledger yet: panier serve sets it up",
                  "PANIER_DATA_DIR");
    stores.ledger = std::move(ledger);
  }
  if (config.mirror == MirrorKind::mongodb) {
    auto mirror = mongo_mirror(config);
    if (!mirror) return std::unexpected(mirror.error());
    stores.mirror = std::move(*mirror);
  } else if (config.mirror == MirrorKind::sqlite) {
    stores.mirror = std::make_unique<store::sqlite::SqliteMirrorStore>(sqlite);
  }
  return stores;
}

} // namespace panier::app
