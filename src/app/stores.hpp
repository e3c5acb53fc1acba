// Which stores the configuration asks for, built.
#pragma once

#include <cstdint>
#include <memory>

#include "commit/ports/ledger.hpp"
#include "commit/ports/mirror.hpp"
#include "config/config.hpp"
#include "runtime/clock.hpp"

namespace panier::store::mariadb {
struct Settings;
} // namespace panier::store::mariadb
namespace panier::store::mongo {
struct Settings;
} // namespace panier::store::mongo

namespace panier::app {

// What the adapters are given of the configuration, where it names these servers.
[[nodiscard]] store::mariadb::Settings mariadb_settings(const config::MariaDb& server);
[[nodiscard]] store::mongo::Settings mongo_settings(const config::Config& config);

enum class Access : std::uint8_t {
  serve, // claims the data directory where a store of ours is in it
  visit, // beside a running service: verify
};

struct OpenStores {
  std::unique_ptr<commit::LedgerStore> ledger;
  std::unique_ptr<commit::MirrorStore> mirror; // nullptr: PANIER_MIRROR=none
};

// config_invalid: a setting cannot be used, or the data directory cannot; the line names it. No
// server is asked.
[[nodiscard]] Result<OpenStores> open_stores(const config::Config& config,
                                             const runtime::Clock& clock, Access access);

} // namespace panier::app
