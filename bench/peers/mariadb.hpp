// MariaDB as a peer uses it: one connection, prepared statements, the driver's errors as
// exceptions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cart/cart.hpp"
#include "store.hpp"
#include "store/mariadb/handles.hpp"
#include "store/mariadb/settings.hpp"

namespace panier::bench {

struct MariadbError {
  unsigned number = 0;
  std::string text;
  [[nodiscard]] bool conflict() const; // run the whole transaction again
  [[nodiscard]] Error error() const;
};

class Mariadb {
public:
  explicit Mariadb(const store::mariadb::Settings& settings);

  void run(std::string_view sql); // returns no rows
  // As JDBC and Python's DB-API have it: while it is off a transaction begins by itself, so BEGIN
  // costs no round trip. Asks the server only when it changes.
  void autocommit(bool on);
  void commit();
  void rollback() noexcept; // whatever comes of it: the next statement will tell
  [[nodiscard]] MYSQL* get() { return connection_.get(); }

private:
  store::mariadb::ConnectionPtr connection_;
  bool autocommit_ = true;
};

// A prepared statement. Values are texts and numbers; they need to live only during execute().
class Prepared {
public:
  Prepared(Mariadb& connection, std::string_view sql);

  template <class... Values>
  std::uint64_t execute(const Values&... values) { // rows affected
    std::array<MYSQL_BIND, sizeof...(Values)> bound{bind(values)...};
    return execute_bound(bound.data());
  }

protected:
  [[noreturn]] void fail_here();
  [[nodiscard]] MYSQL_STMT* get() { return statement_.get(); }

private:
  static MYSQL_BIND bind(const std::string_view& text);
  static MYSQL_BIND bind(const std::int64_t& number);
  std::uint64_t execute_bound(MYSQL_BIND* values);

  store::mariadb::StatementPtr statement_;
};

// A plain read of a cart, in the form that CartQuery takes.
inline constexpr std::string_view select_cart =
    "SELECT id_maria,id,articles,version,deleted_at IS NOT NULL,0 FROM panier WHERE user_id=?";

// SELECT id_maria, id, articles, version, <deleted or not>, <a flag of the peer's> .. WHERE
// user_id = ?
class CartQuery : private Prepared {
public:
  CartQuery(Mariadb& connection, std::string_view sql);
  CartQuery(const CartQuery&) = delete;
  CartQuery& operator=(const CartQuery&) = delete;

  // nullopt: no such row. Throws MariadbError, also for a row that cannot be read.
  [[nodiscard]] std::optional<StoredCart> find(const cart::UserId& user);
  // Of the row that was found last.
  [[nodiscard]] bool flag() const { return flag_ != 0; }

private:
  [[nodiscard]] StoredCart stored() const;

  // The statement's buffers.
  std::int64_t id_maria_ = 0, version_ = 0;
  std::int8_t deleted_ = 0, flag_ = 0;
  std::array<char, 24> id_{};
  std::vector<char> articles_;
  unsigned long id_bytes_ = 0, articles_bytes_ = 0;
};

[[nodiscard]] inline Result<commit::View> view_of(const cart::UserId& user,
                                                  std::optional<StoredCart> stored) {
  if (!stored || !stored->cart.exists) return fail(Errc::cart_not_found);
  return commit::View{.user = user, .cart = std::move(stored->cart), .id_maria = stored->id_maria};
}

// Runs `transaction` (() -> Result<T>), again after a conflict, at most conflicts_max times; what
// it throws is rolled back.
inline constexpr int conflicts_max = 10;
template <class Transaction>
auto in_transaction(Mariadb& connection, Transaction transaction) -> decltype(transaction()) {
  for (int conflicts = 0;; ++conflicts) {
    try {
      auto result = transaction();
      if (!result) connection.rollback();
      return result;
    } catch (const MariadbError& error) {
      connection.rollback();
      if (!error.conflict() || conflicts == conflicts_max) return std::unexpected(error.error());
    }
  }
}

} // namespace panier::bench
