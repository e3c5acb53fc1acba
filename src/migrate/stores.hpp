// Both databases, and what a run of `panier migrate` is told and tells.
#pragma once

#include <cstdio>
#include <memory>

#include "migrate/merge.hpp"
#include "migrate/progress.hpp"
#include "migrate/report.hpp"
#include "store/mariadb/takeover.hpp"
#include "store/mongo/takeover.hpp"

namespace panier::migrate {

// Of one write to either store. Below every server's limit of a packet and of a document (16 MiB),
// twice that for texts sent as hex digits included.
inline constexpr std::size_t page_bytes_max = std::size_t{2} * 1024 * 1024;

struct Stores {
  store::mariadb::Takeover& mariadb;
  store::mongo::Takeover& mongodb;
};

enum class Outcome : std::uint8_t {
  done,
  done_with_rest, // done, but something could not be taken along; the report names it
  nothing_to_do,
};

// Whose words an error carries.
template <class T>
[[nodiscard]] Result<T> told_by(Origin origin, Result<T> result) {
  if (result) return result;
  auto error = std::move(result.error());
  error.detail = std::string(to_string(origin)) + ": " + error.detail;
  return std::unexpected(std::move(error));
}

} // namespace panier::migrate
