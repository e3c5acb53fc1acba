// What a peer does with one request: a store of its own behind one connection, used by one thread.
#pragma once

#include <memory>

#include "cart/cart.hpp"
#include "commit/receipt.hpp"
#include "result/result.hpp"

namespace panier::bench {

class Store {
public:
  virtual ~Store() = default;
  // One transaction (or what the peer takes for one) until it is durable.
  [[nodiscard]] virtual Result<commit::Receipt> write(const cart::Operation& operation) = 0;
  [[nodiscard]] virtual Result<commit::View> read(const cart::UserId& user) = 0;
};

// As it stands in the store.
struct StoredCart {
  std::uint32_t id_maria = 0; // 0: there is no row yet
  cart::Cart cart{};
};

} // namespace panier::bench
