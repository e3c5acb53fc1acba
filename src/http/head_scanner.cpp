#include "http/head_scanner.hpp"

namespace panier::http {

HeadScanner::Found HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    const bool continues = line_start_ > 0 && line_start_ < bytes.size() &&
                           (bytes[line_start_] == ' ' || bytes[line_start_] == '\t');
    if (continues) return Found::folded_line;
    const auto lf = bytes.find('\n', looked_at_);
    if (lf == bytes.npos) {
      looked_at_ = bytes.size();
      return Found::more;
    }
    if (lf == line_start_ || bytes[lf - 1] != '\r') return Found::bare_lf;
    const bool empty_line = lf == line_start_ + 1;
    line_start_ = looked_at_ = lf + 1;
    if (empty_line) return Found::end;
  }
}

} // namespace panier::http
