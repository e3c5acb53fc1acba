#include "workload.hpp"

namespace panier::bench {
namespace {

constexpr int user_base = 10'000'000;
constexpr int article_base = 1'000;

} // namespace

cart::UserId user_of(const Population& carts, int index) {
  return cart::UserId::parse("u" + std::to_string(user_base + carts.first + index)).value();
}

cart::LineKey article_of(int line) {
  return cart::LineKey::parse("a" + std::to_string(article_base + line)).value();
}

bool Workload::next_is_read() {
  if (mix_ != Mix::mixed) {
    edits_ = mix_ == Mix::edit;
    return mix_ == Mix::get;
  }
  const int of_100 = draw(1, 100);
  edits_ = of_100 > 90;
  return of_100 <= 80;
}

cart::UserId Workload::user() {
  return user_of(carts_, draw(0, carts_.carts - 1));
}

cart::Operation Workload::write() {
  // As the generator: an add never reaches the largest quantity, an edit hardly ever sets the same.
  const auto quantity =
      edits_ ? cart::Quantity::of(draw(1, 1'000)) : cart::Quantity::from_thousandths(10);
  return {.kind = edits_ ? cart::OperationKind::edit : cart::OperationKind::add,
          .user = user(),
          .line = article_of(draw(1, carts_.lines)),
          .quantity = quantity,
          .if_match = std::nullopt};
}

} // namespace panier::bench
