// What a migration tells on standard output. It depends on what the stores hold and on nothing
// else: no time, no attempt, so that a dry run's is the real one's byte for byte.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "migrate/merge.hpp"

namespace panier::migrate {

class Report {
public:
  explicit Report(std::FILE* out) : out_(out) {}

  void user(const cart::UserId& user, const Merged& merged);
  void foreign(const Row& row);
  void foreign(const Document& document);
  // Of an undo: the store did not take `what` back.
  void refused(Origin origin, const std::optional<std::string>& user_id, std::string_view what,
               std::string_view why);
  void new_id(const cart::UserId& user, std::string_view was, std::string_view now);
  void put_back_foreign(std::int64_t count) { foreign_ += count; } // of an undo
  void line(std::string_view text);
  // "what: count"
  void total(std::string_view what, std::int64_t count);

  [[nodiscard]] std::int64_t reported() const { return reported_; }
  [[nodiscard]] std::int64_t set_aside() const { return set_aside_; }
  [[nodiscard]] std::int64_t foreign_users() const { return foreign_; }

private:
  std::FILE* const out_;
  std::int64_t reported_ = 0;  // carts with a line of their own
  std::int64_t set_aside_ = 0; // lines and texts that are in no cart
  std::int64_t foreign_ = 0;
};

} // namespace panier::migrate
