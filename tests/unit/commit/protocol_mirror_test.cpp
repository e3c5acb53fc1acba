// What the mirror's answers mean.
#include "bench.hpp"

namespace panier::commit::test {
namespace {

class MirrorAnswers : public ProtocolTest {
protected:
  void SetUp() override {
    reserved_ = round(opened({row("u", 5)}), {add_});
    sent_ = protocol_.to_send().at(0);
  }
  [[nodiscard]] MirrorDoc doc(Version version, const Token& token) const {
    return {.id = {},
            .user = user("u"),
            .version = version,
            .token = token,
            .id_maria = 7,
            .exists = true,
            .readable = true,
            .lines = {}};
  }
  Round settle() { return round(opened({row("u", 5)}), {}); }

  Asked add_ = ask_add("u", "a", 2);
  Round reserved_;
  MirrorWrite sent_{.user = user("u")};
};

TEST_F(MirrorAnswers, NoAnswerDecidesNothingTheMirrorIsRead) {
  protocol_.bulk_answered(fail(Errc::store_timeout, "late"));
  EXPECT_EQ(protocol_.to_read_back(), std::vector{user("u")});
}

TEST_F(MirrorAnswers, ReadBackWithOurVersionAndTokenIsSuccess) {
  mirror_says(Took::refused);
  protocol_.read_back(std::vector{doc(sent_.cart.version, sent_.token)});
  settle();
  EXPECT_TRUE(add_.answer().has_value());
}

TEST_F(MirrorAnswers, OurVersionWithAnotherTokenIsNotSuccess) {
  mirror_says(Took::refused);
  protocol_.read_back(std::vector{doc(sent_.cart.version, Token(Token::Bytes{9}))});
  settle();
  EXPECT_FALSE(add_.answer().has_value());
}

TEST_F(MirrorAnswers, AMirrorAheadAbortsAndTheNextVersionStandsAboveIt) {
  mirror_says(Took::refused);
  protocol_.read_back(std::vector{doc(sent_.cart.version + 500, Token(Token::Bytes{9}))});
  const auto settled = settle();
  EXPECT_FALSE(add_.answer().has_value());
  EXPECT_GT(settled.writes.carts.at(0).cart.version, sent_.cart.version + 500);
  EXPECT_EQ(settled.notices.at(0).kind, Notice::Kind::mirror_ahead);
}

TEST_F(MirrorAnswers, AnOlderDocumentOrNoneMeansNotHeld) {
  mirror_says(Took::unknown);
  protocol_.read_back(std::vector<MirrorDoc>{});
  settle();
  EXPECT_EQ(add_.answer().error().code, Errc::mirror_unavailable);
}

TEST_F(MirrorAnswers, WhatCannotBeReadBackIsAborted) {
  mirror_says(Took::unknown);
  protocol_.read_back(fail(Errc::store_timeout));
  settle();
  EXPECT_EQ(add_.answer().error().code, Errc::mirror_unavailable);
}

TEST_F(MirrorAnswers, WhatWasNotSentIsAborted) {
  protocol_.not_sent("the reservation's life was over");
  EXPECT_TRUE(protocol_.to_send().empty());
  settle();
  EXPECT_FALSE(add_.answer().has_value());
}

TEST_F(MirrorAnswers, OneVerdictACartNotOneABatch) {
  Protocol protocol{LaneKey{"instance", 1}, {}, ids_};
  const auto one = ask_add("a", "x", 1);
  const auto two = ask_add("b", "x", 1);
  Opened seen;
  seen.carts = {row("a", 5), row("b", 5)};
  auto first = protocol.decide(seen, std::vector{one.write, two.write}, Policy::strict);
  seen.own = first.writes.row;
  EXPECT_TRUE(protocol.committed(std::move(first)).empty());
  protocol.bulk_answered(std::vector{Took::held, Took::failed});
  for (auto& reply : protocol.committed(protocol.decide(seen, {}, Policy::strict)))
    reply.write->answer(std::move(reply.result));
  EXPECT_TRUE(one.answer().has_value());
  EXPECT_FALSE(two.answer().has_value());
}

} // namespace
} // namespace panier::commit::test
