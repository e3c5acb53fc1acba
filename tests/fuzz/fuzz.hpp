// What the fuzz targets share. A target is one function from bytes to nothing that ends the program
// when the bytes show a promise to be broken: libFuzzer drives it (make fuzz), and replay.cpp runs
// the committed corpus through it in every build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace panier::fuzz {

// `seen`: what was there instead, for whoever reads the report.
inline void promise(bool kept, std::string_view what, std::string_view seen = "-") {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %.*s; seen: %.*s\n", static_cast<int>(what.size()),
               what.data(), static_cast<int>(seen.size()), seen.data());
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

} // namespace panier::fuzz
