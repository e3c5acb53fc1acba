// What each answer about an article means for an add.
#include "service/stock.hpp"

#include <gtest/gtest.h>

namespace panier::service {
namespace {

using catalogue::Finding;
using State = Finding::State;

Finding with_stock(std::optional<cart::Quantity> stock) {
  auto article = std::make_shared<catalogue::Article>();
  article->stock = stock;
  return {.state = State::fresh, .article = std::move(article), .age = {}};
}
Finding without(State state) {
  return {.state = state, .article = nullptr, .age = {}};
}

TEST(Stock, only_what_may_raise_a_line_asks) {
  using enum cart::OperationKind;
  const auto raises = [](cart::OperationKind kind, std::int64_t quantity) {
    return may_raise({.kind = kind,
                      .user = *cart::UserId::parse("u"),
                      .line = cart::LineKey::parse("a"),
                      .quantity = cart::Quantity::of(quantity),
                      .if_match = {}});
  };
  EXPECT_TRUE(raises(add, 1));
  EXPECT_TRUE(raises(edit, 1));
  EXPECT_FALSE(raises(add, -1));
  EXPECT_FALSE(raises(edit, 0));
  for (const auto kind : {create, remove, empty, erase})
    EXPECT_FALSE(raises(kind, 0));
}

TEST(Stock, what_is_known_is_the_limit_whatever_the_setting) {
  for (const auto setting : {UnknownStock::refuse, UnknownStock::accept}) {
    const auto ceiling = ceiling_for(with_stock(cart::Quantity::of(3)), setting);
    ASSERT_TRUE(ceiling);
    EXPECT_EQ(ceiling->limit, cart::Quantity::of(3));
    EXPECT_EQ(ceiling->refusal, Errc::stock_insufficient);
    const auto unknown = ceiling_for(without(State::not_found), setting);
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->limit, cart::Quantity{});
    EXPECT_EQ(unknown->refusal, Errc::article_not_found);
  }
}

TEST(Stock, what_is_not_known_follows_the_setting) {
  for (const auto& finding : {with_stock(std::nullopt), without(State::invalid),
                              without(State::unavailable), without(State::late)}) {
    EXPECT_FALSE(ceiling_for(finding, UnknownStock::accept));
    const auto ceiling = ceiling_for(finding, UnknownStock::refuse);
    ASSERT_TRUE(ceiling);
    EXPECT_EQ(ceiling->limit, cart::Quantity{});
    EXPECT_EQ(ceiling->refusal, Errc::stock_unknown);
  }
}

} // namespace
} // namespace panier::service
