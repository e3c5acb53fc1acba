// Finds where a request's head ends, byte by byte as it comes in, and refuses the line endings that
// parsers disagree about: a bare LF, and a folded line. (Beast 1.81 unfolds lines, and waits for
// more after a bare LF.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace panier::http {

class HeadScanner {
public:
  enum class Found : std::uint8_t { more, end, bare_lf, folded_line };

  // `bytes` starts where the head starts and holds all that came in so far; what was looked at is
  // not looked at again.
  [[nodiscard]] Found scan(std::string_view bytes);
  // Including the empty line; after Found::end.
  [[nodiscard]] std::size_t head_size() const noexcept { return line_start_; }
  void reset() noexcept { *this = {}; }

private:
  std::size_t line_start_ = 0;
  std::size_t looked_at_ = 0;
};

} // namespace panier::http
