// Random bytes of the operating system (tokens, ids), and bytes as text.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace panier::runtime {

// Fills all of it; never blocks once the machine has booted. Throws std::system_error if the system
// refuses, which it does not on Linux 3.17 and later.
void fill_random(std::span<std::uint8_t> bytes);

template <std::size_t n>
[[nodiscard]] std::array<std::uint8_t, n> random_bytes() {
  std::array<std::uint8_t, n> bytes{};
  fill_random(bytes);
  return bytes;
}

// Lower-case, two digits a byte.
[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);

} // namespace panier::runtime
