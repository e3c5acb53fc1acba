// Identities: which texts are names, and that each value has exactly one text.
#include "cart/identity.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace panier::cart {
namespace {

TEST(Identifier, EveryCharacterOfTheAlphabetAndNoOther) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@-";
  for (int c = 0; c < 256; ++c) {
    const std::string text(1, static_cast<char>(c));
    EXPECT_EQ(is_identifier(text), alphabet.find(text) != alphabet.npos) << c;
  }
}

TEST(Identifier, OneToSixtyFourCharacters) {
  EXPECT_FALSE(is_identifier(""));
  EXPECT_TRUE(is_identifier("a"));
  EXPECT_TRUE(is_identifier(std::string(64, 'a')));
  EXPECT_FALSE(is_identifier(std::string(65, 'a')));
  EXPECT_FALSE(is_identifier("a b"));
  EXPECT_FALSE(is_identifier("caf\xc3\xa9"));
  EXPECT_FALSE(UserId::parse("a/b"));
  EXPECT_FALSE(LineKey::parse(""));
  EXPECT_EQ(UserId::parse("65f0c1d2e3a4b5c6d7e8f901")->text(), "65f0c1d2e3a4b5c6d7e8f901");
  EXPECT_EQ(LineKey::parse("a:1@x-_.")->article_id(), "a:1@x-_.");
}

TEST(CartIdText, IsTwentyFourLowerCaseHexDigits) {
  const auto id = CartId::parse("0123456789abcdef01234567");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->bytes()[0], 0x01);
  EXPECT_EQ(id->bytes()[11], 0x67);
  EXPECT_EQ(id->hex(), "0123456789abcdef01234567");
  EXPECT_EQ(CartId{}.hex(), std::string(24, '0'));
  for (const auto* text : {"", "0123456789abcdef0123456", "0123456789abcdef012345678",
                           "0123456789ABCDEF01234567", "0123456789abcdeg01234567"})
    EXPECT_FALSE(CartId::parse(text)) << text;
}

RC_GTEST_PROP(TokenProperty, TextComesBackAsItWas, (const std::array<std::uint8_t, 16>& bytes)) {
  const Token token(bytes);
  RC_ASSERT(token.hex().size() == 32u);
  RC_ASSERT(Token::parse(token.hex()).value() == token);
}

} // namespace
} // namespace panier::cart
