// One transaction a request on MariaDB alone: lock and read the row, apply, write it, COMMIT.
#pragma once

#include "change.hpp"
#include "mariadb.hpp"

namespace panier::bench {

class OneStore final : public Store {
public:
  OneStore(const store::mariadb::Settings& settings, const runtime::Clock& clock);
  Result<commit::Receipt> write(const cart::Operation& operation) override;
  Result<commit::View> read(const cart::UserId& user) override;

private:
  Mariadb connection_;
  Rules rules_;
  CartQuery select_, lock_;
  Prepared update_, insert_;
};

// Reads alone, one SELECT a request.
class PointReads final : public Store {
public:
  explicit PointReads(const store::mariadb::Settings& settings);
  Result<commit::Receipt> write(const cart::Operation& operation) override; // not_implemented
  Result<commit::View> read(const cart::UserId& user) override;

private:
  Mariadb connection_;
  CartQuery select_;
};

} // namespace panier::bench
