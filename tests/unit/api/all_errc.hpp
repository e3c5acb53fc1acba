// Every Errc there is: to_string() names each one, and the last of the enum ends the loop.
#pragma once

#include <vector>

#include "result/result.hpp"

namespace panier::test {

inline std::vector<Errc> all_errc() {
  std::vector<Errc> all;
  for (int i = 0; i <= static_cast<int>(Errc::config_invalid); ++i)
    all.push_back(Errc(i));
  return all;
}

// Those that a client may ever be told; the others are the stores' and the configuration's.
inline std::vector<Errc> public_errc() {
  std::vector<Errc> all;
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i)
    all.push_back(Errc(i));
  return all;
}

} // namespace panier::test
