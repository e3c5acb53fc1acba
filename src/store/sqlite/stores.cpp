#include "store/sqlite/stores.hpp"

#include <utility>

#include "ledger_migrations.hpp"
#include "store/sqlite/ledger.hpp"
#include "store/sqlite/mirror.hpp"
#include "store/sqlite/schema.hpp"

namespace panier::store::sqlite {
namespace {

std::shared_ptr<SharedConnection> lanes_of(std::filesystem::path file) {
  return std::make_shared<SharedConnection>(std::make_unique<Checkpointer>(std::move(file)));
}

} // namespace

SqliteLedgerStore::SqliteLedgerStore(Settings settings, const runtime::Clock& clock)
    : settings_(std::move(settings)), clock_(clock), lanes_(lanes_of(ledger_file(settings_))) {}

Result<void> SqliteLedgerStore::prepare() {
  auto connection =
      Connection::open(ledger_file(settings_), Connection::WhenAbsent::create, settings_.lock_wait);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return migrate(**connection, ledger_migrations);
}

bool SqliteLedgerStore::is_set_up() const {
  std::error_code absent;
  const auto bytes = std::filesystem::file_size(ledger_file(settings_), absent);
  return !absent && bytes > 0;
}

std::unique_ptr<commit::Ledger> SqliteLedgerStore::connect() {
  return std::make_unique<SqliteLedger>(settings_, clock_, std::make_shared<SharedConnection>());
}

std::unique_ptr<commit::Ledger> SqliteLedgerStore::connect_lane() {
  return std::make_unique<SqliteLedger>(settings_, clock_, lanes_);
}

SqliteMirrorStore::SqliteMirrorStore(Settings settings)
    : settings_(std::move(settings)), lanes_(lanes_of(mirror_file(settings_))) {}

std::unique_ptr<commit::Mirror> SqliteMirrorStore::connect() {
  return std::make_unique<SqliteMirror>(settings_, std::make_shared<SharedConnection>());
}

std::unique_ptr<commit::Mirror> SqliteMirrorStore::connect_lane() {
  return std::make_unique<SqliteMirror>(settings_, lanes_);
}

} // namespace panier::store::sqlite
