// Operations on carts named as the benchmark's other programs name theirs (bench/carts.py,
// bench/wrk/carts.lua): user u10000000 + n, article a1000 + n.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "cart/cart.hpp"

namespace panier::bench {

enum class Mix : std::uint8_t {
  add,
  edit,
  get,
  mixed, // of 100: 80 reads, 10 adds, 10 edits
};

struct Population {
  int first = 1; // the number of the first cart
  int carts = 10'000;
  int lines = 5; // of each
};

[[nodiscard]] cart::UserId user_of(const Population& carts, int index);
[[nodiscard]] cart::LineKey article_of(int line); // from 1

// Draws carts and lines evenly. Used by one thread.
class Workload {
public:
  Workload(Mix mix, Population carts, std::uint32_t seed)
      : mix_(mix), carts_(carts), random_(seed) {}

  [[nodiscard]] bool next_is_read();
  [[nodiscard]] cart::UserId user();
  [[nodiscard]] cart::Operation write(); // after next_is_read() said no

private:
  int draw(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

  const Mix mix_;
  const Population carts_;
  std::minstd_rand random_;
  bool edits_ = false;
};

} // namespace panier::bench
