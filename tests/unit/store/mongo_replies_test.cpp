// MongoDB's answer to a bulk, read alone: it is believed only when it adds up.
#include <gtest/gtest.h>

#include "store/mongo/replies.hpp"

namespace panier::store::mongo {
namespace {

using commit::Took;

constexpr std::size_t writes = 3;

Result<std::vector<Took>> read(const std::string& json) {
  Bson reply;
  bson_error_t error{};
  if (!bson_init_from_json(reply.reset(), json.data(), static_cast<ssize_t>(json.size()), &error))
    throw std::runtime_error(static_cast<const char*>(error.message));
  return update_reply(reply.get(), writes);
}

const std::vector<Took> all_unknown(writes, Took::unknown);

TEST(MongoReplies, EachErrorIsOfItsWriteAndTheOthersAreHeld) {
  EXPECT_EQ(read(R"({"n": 3, "ok": 1})"), std::vector(writes, Took::held));
  EXPECT_EQ(
      read(R"({"n": 1, "writeErrors": [{"index": 2, "code": 11000}, {"index": 0, "code": 121}]})"),
      (std::vector{Took::failed, Took::held, Took::refused}));
}

TEST(MongoReplies, NoMajorityIsAnErrorOfTheMirror) {
  const auto told =
      read(R"({"n": 3, "ok": 1, "writeConcernError": {"code": 64, "errmsg": "late"}})");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Errc::store_timeout);
  EXPECT_EQ(told.error().detail, "late (code 64)");
}

// Found by fuzzing: two errors of one write leave another without a word, and the total still fits.
TEST(MongoReplies, TwoErrorsOfOneWriteMakeTheBulkUnknown) {
  EXPECT_EQ(
      read(
          R"({"n": 1, "writeErrors": [{"index": 0, "code": 11000}, {"index": 0, "code": 11000}]})"),
      all_unknown);
}

TEST(MongoReplies, ErrorsOfNoWriteMakeTheBulkUnknown) {
  for (const auto* index : {"-1", "3", "9223372036854775807"}) {
    EXPECT_EQ(
        read(R"({"n": 2, "writeErrors": [{"code": 11000, "index": )" + std::string(index) + "}]}"),
        all_unknown)
        << index;
  }
  EXPECT_EQ(read(R"({"n": 2, "writeErrors": [{"code": 11000}]})"), all_unknown);
  EXPECT_EQ(read(R"({"n": 2, "writeErrors": [7]})"), all_unknown);
}

// Found by fuzzing: the greatest count that a server can say, and one error more.
TEST(MongoReplies, ATotalThatDoesNotFitMakesTheBulkUnknown) {
  for (const auto* n : {"0", "2", "4", "-3", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(read(R"({"n": {"$numberLong": ")" + std::string(n) + "\"}}"), all_unknown) << n;
  }
  EXPECT_EQ(read(R"({"n": {"$numberLong": "9223372036854775807"},
                     "writeErrors": [{"index": 0, "code": 11000}]})"),
            all_unknown);
}

} // namespace
} // namespace panier::store::mongo
