// The one place that knows what MariaDB's error numbers mean for us.
#pragma once

#include "result/result.hpp"

namespace panier::store::mariadb {

// What follows from one error number.
struct Verdict {
  Errc code = Errc::internal;
  bool connection_lives =
      false; // false: close it, its state or its server is not to be trusted any more
};

// Numbers of the server and of the driver. A driver error, i.e. no answer, means unreachable;
// whether it was a timeout is known only by the clock (session.cpp).
[[nodiscard]] Verdict judge(unsigned number) noexcept;

// Did the server say this, or the driver (which then has no answer from it)?
[[nodiscard]] bool said_by_server(unsigned number) noexcept;

// As the server's answer to COMMIT: has the transaction certainly not been committed?
[[nodiscard]] bool refuses_commit(unsigned number) noexcept;

} // namespace panier::store::mariadb
