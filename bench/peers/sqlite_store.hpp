// One transaction a request on a SQLite file, opened as the product opens its own (WAL,
// synchronous=FULL). One writer, readers beside it, a connection each.
#pragma once

#include <memory>

#include "change.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/stores.hpp"

namespace panier::bench {

class SqliteStore final : public Store {
public:
  SqliteStore(const store::sqlite::Settings& settings, const runtime::Clock& clock);
  Result<commit::Receipt> write(const cart::Operation& operation) override;
  Result<commit::View> read(const cart::UserId& user) override;

private:
  [[nodiscard]] Result<std::optional<StoredCart>> find(const cart::UserId& user);
  [[nodiscard]] Result<void> store(const cart::UserId& user, const Change& change);
  [[nodiscard]] Result<Change> change(const cart::Operation& operation);

  const runtime::Clock& clock_;
  const std::unique_ptr<store::sqlite::Connection> connection_;
  Rules rules_;
};

} // namespace panier::bench
