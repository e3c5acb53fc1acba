// SHA-256: idempotency keys, fingerprints and ETags. For names and comparisons, never for
// passwords.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace panier::runtime {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::string_view text);

} // namespace panier::runtime
