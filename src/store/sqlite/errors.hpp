// SQLite's result codes as ours.
#pragma once

#include <cstdint>
#include <string>

#include "result/result.hpp"

namespace panier::store::sqlite {

enum class Phase : std::uint8_t { before_commit, commit };

// `code`: an extended result code; `text`: SQLite's message and what was being done.
[[nodiscard]] Error to_error(int code, Phase phase, std::string text);

// May the connection be used after this? Only where SQLite said no to one statement and nothing
// else is in doubt.
[[nodiscard]] bool survives(int code) noexcept;

} // namespace panier::store::sqlite
