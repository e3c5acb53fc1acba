// What MongoDB says to a write, an index or a refusal: only an answer that adds up is believed, and
// no write of which nothing is said counts as held.
#include <map>

#include "fuzz.hpp"
#include "store/mongo/errors.hpp"
#include "store/mongo/replies.hpp"

namespace panier::fuzz {
namespace {

using commit::Took;

// The answer read a second time, without a thought for speed.
struct Told {
  std::map<std::int64_t, int> errors; // by index: how many
  bool concern = false;
};

Told read(const bson_t* reply) {
  Told told;
  bson_iter_t at;
  told.concern = bson_iter_init_find(&at, reply, "writeConcernError");
  bson_iter_t error, field;
  if (!bson_iter_init_find(&at, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&at) ||
      !bson_iter_recurse(&at, &error))
    return told;
  while (bson_iter_next(&error)) {
    const bool numbered = bson_iter_recurse(&error, &field) && bson_iter_find(&field, "index");
    ++told.errors[numbered ? bson_iter_as_int64(&field) : -1];
  }
  return told;
}

void promise_believed_only_if_sound(const bson_t* reply, const Told& told, std::size_t writes) {
  const auto answer = store::mongo::update_reply(reply, writes);
  promise(answer.has_value() != told.concern, "nothing is known after a write concern error");
  if (!answer) {
    promise(answer.error().code == Errc::store_timeout, "which is a timeout");
    return;
  }
  const auto& tooks = *answer;
  promise(tooks.size() == writes, "one outcome a write");
  const auto held = std::ranges::count(tooks, Took::held);
  if (held > 0)
    promise(std::cmp_equal(held, store::mongo::reply_count(reply)),
            "as many are held as the server counted", std::to_string(held));
  for (std::size_t at = 0; at < tooks.size(); ++at)
    promise(tooks[at] != Took::held || !told.errors.contains(static_cast<std::int64_t>(at)),
            "no write with an error is held");
}

void promise_store_error(const Error& error) {
  promise(error.code == Errc::store_unreachable || error.code == Errc::store_timeout ||
              error.code == Errc::store_denied || error.code == Errc::store_rejected,
          "an error is one that the port names", to_string(error.code));
}

void check(const bson_t* reply) {
  const auto told = read(reply);
  for (const std::size_t writes :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5}, std::size_t{128}})
    promise_believed_only_if_sound(reply, told, writes);
  const auto deleted = store::mongo::delete_reply(reply);
  if (!deleted) promise_store_error(deleted.error());
  if (deleted)
    promise(told.errors.empty() && !told.concern, "a delete with an error has not been done");
  if (const auto met = store::mongo::write_concern_met(reply); !met)
    promise(met.error().code == Errc::store_timeout, "a write concern error is an unknown outcome");
  (void)store::mongo::took(store::mongo::reply_code(reply));
  (void)store::mongo::lists_unique_user_index(reply);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bson_t reply;
  if (bson_init_static(&reply, data, size)) panier::fuzz::check(&reply);
  return 0;
}
