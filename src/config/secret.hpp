// Text that must never be printed: a password, a URI that holds one. There is no operator<< and no
// conversion; whoever hands it to a driver says reveal(), which a reviewer can search for.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

namespace panier::config {

class Secret {
public:
  static constexpr const char* mask = "********"; // the same length for all

  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& reveal() const { return text_; }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

private:
  std::string text_;
};

} // namespace panier::config
