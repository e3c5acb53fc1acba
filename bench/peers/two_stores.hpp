// The product's promise without its batches: reserve in one transaction, write the mirror, settle
// in a second one. The reservation stands in the cart's own row, which is the cheapest place for
// one request. One such process at a time: what an earlier one left behind is aborted at its start.
#pragma once

#include <memory>
#include <string>

#include "app/stores.hpp"
#include "change.hpp"
#include "mariadb.hpp"

// libmongoc's own names, so that this header needs none of it.
struct _mongoc_client_pool_t;

namespace panier::bench {

// The clients of all threads; thread-safe.
struct MirrorClients {
  std::shared_ptr<_mongoc_client_pool_t> pool;
  std::string database;
};
[[nodiscard]] MirrorClients mirror_clients(const config::Config& config);

// Adds the reservation's columns, and aborts what is reserved.
void prepare_two_stores(const store::mariadb::Settings& settings);

class TwoStores final : public Store {
public:
  TwoStores(const store::mariadb::Settings& settings, MirrorClients mirror,
            std::chrono::milliseconds mirror_timeout, const runtime::Clock& clock);
  Result<commit::Receipt> write(const cart::Operation& operation) override;
  Result<commit::View> read(const cart::UserId& user) override;

private:
  struct Reserved {
    Change change;
    cart::Token token;
    bool busy = false; // another request has the cart: try again
  };
  [[nodiscard]] Result<Reserved> reserve(const cart::Operation& operation);
  [[nodiscard]] Result<void> mirror(const cart::UserId& user, const Reserved& reserved);
  [[nodiscard]] Result<void> settle(const Reserved& reserved);
  [[nodiscard]] Result<void> abort(const cart::UserId& user, const Reserved& reserved);

  Mariadb connection_;
  const MirrorClients mirror_;
  const std::chrono::milliseconds mirror_timeout_;
  const runtime::Clock& clock_;
  Rules rules_;
  CartQuery select_, lock_;
  Prepared insert_, reserve_, settle_, abort_, lag_;
};

} // namespace panier::bench
