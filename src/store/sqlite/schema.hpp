// Brings the schema of a file up to date, in one transaction.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "result/result.hpp"
#include "store/sqlite/connection.hpp"

namespace panier::store::sqlite {

// A migration: file name and text. The first one leads to version 1.
using Migration = std::pair<std::string_view, std::string_view>;

// store_rejected: a migration fails, or the file is of a later panier; nothing was changed.
[[nodiscard]] Result<void> migrate(Connection& connection, std::span<const Migration> migrations);

} // namespace panier::store::sqlite
