// Each Errc has one status, one stable code and one text, and the contract knows them all.
#include "api/messages.hpp"

#include <gtest/gtest.h>

#include <set>

#include "all_errc.hpp"
#include "api/contract.hpp"
#include "api/responses.hpp"
#include "fake_service.hpp"

namespace panier::api {
namespace {

using test::header;

TEST(Messages, EveryErrcHasAnAnswer) {
  for (const auto code : test::all_errc()) {
    SCOPED_TRACE(to_string(code));
    const auto message = message_of(code);
    EXPECT_GE(message.status, 400u);
    EXPECT_LT(message.status, 600u);
    EXPECT_FALSE(message.text.empty());
    EXPECT_FALSE(message.code.empty());
    EXPECT_EQ(message.code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), message.code.npos);
    EXPECT_EQ(message.retry_after.has_value(), message.status == 503);
  }
}

TEST(Messages, AClientSeesTheNameOfWhatItMayBeTold) {
  std::set<std::string_view> seen;
  for (const auto code : test::public_errc()) {
    EXPECT_EQ(message_of(code).code, to_string(code));
    EXPECT_TRUE(seen.insert(message_of(code).code).second);
  }
}

TEST(Messages, TheContractListsEveryCodeAndNoOther) {
  const auto contract = contract_yaml();
  std::set<std::string> listed;
  const auto begin = contract.find("    Code:\n");
  ASSERT_NE(begin, contract.npos);
  auto rest = contract.substr(begin, contract.find("\n\n", begin) - begin);
  for (auto at = rest.find("- "); at != rest.npos; at = rest.find("- ")) {
    rest.remove_prefix(at + 2);
    listed.emplace(rest.substr(0, rest.find('\n')));
  }
  std::set<std::string> known;
  for (const auto code : test::all_errc())
    known.emplace(message_of(code).code);
  EXPECT_EQ(listed, known);
}

TEST(Messages, StatusesOfTheContract) {
  const std::pair<Errc, unsigned> table[] = {
      {Errc::bad_request, 400},
      {Errc::malformed_json, 400},
      {Errc::duplicate_json_key, 400},
      {Errc::invalid_if_match, 400},
      {Errc::invalid_idempotency_key, 400},
      {Errc::route_not_found, 404},
      {Errc::method_not_allowed, 405},
      {Errc::request_timeout, 408},
      {Errc::body_too_large, 413},
      {Errc::headers_too_large, 431},
      {Errc::unsupported_media_type, 415},
      {Errc::expectation_failed, 417},
      {Errc::not_implemented, 501},
      {Errc::invalid_field, 422},
      {Errc::cart_not_found, 404},
      {Errc::precondition_failed, 412},
      {Errc::too_many_lines, 422},
      {Errc::quantity_too_large, 422},
      {Errc::idempotency_key_reused, 422},
      {Errc::article_not_found, 404},
      {Errc::stock_insufficient, 409},
      {Errc::stock_unknown, 503},
      {Errc::overloaded, 503},
      {Errc::cart_busy, 503},
      {Errc::cart_quarantined, 503},
      {Errc::ledger_unavailable, 503},
      {Errc::mirror_unavailable, 503},
      {Errc::stores_unavailable, 503},
      {Errc::schema_unmigrated, 503},
      {Errc::shutting_down, 503},
      {Errc::outcome_unknown, 504},
      {Errc::internal, 500},
  };
  for (const auto& [code, status] : table)
    EXPECT_EQ(message_of(code).status, status) << to_string(code);
  EXPECT_EQ(std::size(table), test::public_errc().size());
}

TEST(Messages, ACartThatOnlyTheMirrorWasAskedForIsNotFound) {
  EXPECT_EQ(message_of(Errc::cart_not_in_mirror).status, 404u);
  EXPECT_EQ(message_of(Errc::cart_not_in_mirror).code, "cart_not_found");
}

TEST(Messages, ADoubtIsNeverToldAsADefiniteFailure) {
  for (const auto code : {Errc::store_timeout, Errc::commit_unknown, Errc::outcome_unknown})
    EXPECT_EQ(message_of(code).status, 504u) << to_string(code);
}

TEST(ErrorAnswer, IsTheShapeThatCallersKnow) {
  const auto response = error_answer({Errc::mirror_unavailable, {}, "mongo: secret detail"});
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(response.body, R"({"error":true,"code":"mirror_unavailable","message":"Les deux bases )"
                           R"(doivent être disponibles pour effectuer l'ajout."})");
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(header(response, "Retry-After"), "2");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST(ErrorAnswer, NamesTheFieldAndKeepsTheDetail) {
  const auto response = error_answer({Errc::invalid_field, "quantite", "more than 3 decimals"});
  EXPECT_EQ(response.status, 422u);
  EXPECT_EQ(response.body,
            R"({"error":true,"code":"invalid_field","message":"Un champ de la requête est )"
            R"(absent ou invalide.","field":"quantite"})");
  EXPECT_EQ(header(response, "Retry-After"), "(absent)");
}

TEST(ErrorAnswer, ToldInFiguresWhatIsShort) {
  Error error{.code = Errc::stock_insufficient, .field = "quantite"};
  error.shortage = Shortage{.stock = 2'500, .quantity = 12'000};
  const auto response = error_answer(error);
  EXPECT_EQ(response.status, 409u);
  EXPECT_EQ(response.body,
            R"({"error":true,"code":"stock_insufficient","message":"Le stock de l'article est )"
            R"(insuffisant.","field":"quantite","stock":2.5,"quantite":12})");
}

} // namespace
} // namespace panier::api
