// What panier is compared with: the same routes, bodies and rules on the same transport, and
// another way to commit.
//
//   panier-peer KIND --port N [--threads T] [--connections C]
//
//   one-store    one transaction a request on MariaDB
//   two-stores   reserve on MariaDB, write MongoDB, settle on MariaDB, for each request
//   sqlite       one transaction a request on a SQLite file
//   point-reads  GET alone, one SELECT a request on MariaDB
//
// Settings as panier's: DB_LOCAL_*, MONGO_URI_PANIERS, PANIER_DATA_DIR.
#include <CLI/CLI.hpp>

#include <optional>
#include <thread>

#include "api/cart_api.hpp"
#include "app/stores.hpp"
#include "one_store.hpp"
#include "peer_service.hpp"
#include "program.hpp"
#include "runtime/log.hpp"
#include "sqlite_store.hpp"
#include "store/mariadb/ledger_store.hpp"
#include "two_stores.hpp"

namespace panier::bench {
namespace {

struct Options {
  std::string kind;
  std::uint16_t port = 0;
  unsigned threads = std::max(2U, std::thread::hardware_concurrency());
  int connections = 64; // of MariaDB, each with a thread
};

void serve_pools(const Options& options, Pool& writers, Pool& readers, bool has_mirror) {
  PeerService service(writers, readers);
  const auto router = api::make_cart_router(service, {.has_mirror = has_mirror});
  serve(router, options.port, options.threads);
}

void serve_mariadb(const Options& options, const runtime::Clock& clock) {
  const bool mirrored = options.kind == "two-stores";
  const auto config = settings_from_environment("mariadb", mirrored ? "mongodb" : "none");
  const auto settings = app::mariadb_settings(*config.mariadb);
  must(store::mariadb::MariadbLedgerStore(settings).prepare());
  MirrorClients clients;
  if (mirrored) {
    clients = mirror_clients(config);
    prepare_two_stores(settings);
  }
  Pool pool(options.connections, [&]() -> std::unique_ptr<Store> {
    if (mirrored)
      return std::make_unique<TwoStores>(settings, clients, config.mirror_timeout, clock);
    if (options.kind == "one-store") return std::make_unique<OneStore>(settings, clock);
    return std::make_unique<PointReads>(settings);
  });
  serve_pools(options, pool, pool, mirrored);
}

void serve_sqlite(const Options& options, const runtime::Clock& clock) {
  const auto config = settings_from_environment("sqlite", "none");
  store::sqlite::Settings settings;
  settings.dir = must(store::sqlite::DataDirectory::claim(config.data_dir));
  must(store::sqlite::SqliteLedgerStore(settings, clock).prepare());
  const auto connect = [&] { return std::make_unique<SqliteStore>(settings, clock); };
  Pool writer(1, connect);
  Pool readers(static_cast<int>(options.threads), connect);
  serve_pools(options, writer, readers, false);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A service that panier is compared with");
  app.add_option("kind", options.kind, "one-store, two-stores, sqlite, point-reads")
      ->required()
      ->check(CLI::IsMember({"one-store", "two-stores", "sqlite", "point-reads"}));
  app.add_option("--port", options.port, "on 127.0.0.1; 0 takes a free one")->required();
  app.add_option("--threads", options.threads, "of HTTP")->check(CLI::Range(1, 64));
  app.add_option("--connections", options.connections, "of MariaDB")->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);

  begin_program();
  const runtime::SystemClock clock;
  const runtime::log::Session logging(runtime::log::Level::warn, clock);
  if (options.kind == "sqlite")
    serve_sqlite(options, clock);
  else
    serve_mariadb(options, clock);
  return 0;
}

} // namespace
} // namespace panier::bench

int main(int argc, char** argv) {
  return panier::bench::run_main("panier-peer", [&] { return panier::bench::run(argc, argv); });
}
