#include "store/mongo/replies.hpp"

#include <algorithm>
#include <string_view>

#include "store/mongo/errors.hpp"

namespace panier::store::mongo {
namespace {

using commit::Took;

std::int64_t number(const bson_t* document, const char* key) {
  bson_iter_t at;
  return bson_iter_init_find(&at, document, key) ? bson_iter_as_int64(&at) : 0;
}

std::int64_t number_in(const bson_iter_t& document, const char* key, std::int64_t absent) {
  bson_iter_t at;
  const bool found = bson_iter_recurse(&document, &at) && bson_iter_find(&at, key);
  return found ? bson_iter_as_int64(&at) : absent;
}

const char* text_in(const bson_iter_t& document, const char* key) {
  bson_iter_t at;
  const bool found = bson_iter_recurse(&document, &at) && bson_iter_find(&at, key);
  return found && BSON_ITER_HOLDS_UTF8(&at) ? bson_iter_utf8(&at, nullptr) : "";
}

// Steps into reply[key], if that is an array.
bool open_array(const bson_t* reply, const char* key, bson_iter_t& element) {
  bson_iter_t at;
  return bson_iter_init_find(&at, reply, key) && BSON_ITER_HOLDS_ARRAY(&at) &&
         bson_iter_recurse(&at, &element);
}

// {user_id: 1} and nothing else.
bool is_user_key(const bson_iter_t& key) {
  bson_iter_t field;
  if (!BSON_ITER_HOLDS_DOCUMENT(&key) || !bson_iter_recurse(&key, &field)) return false;
  if (!bson_iter_next(&field) || std::string_view(bson_iter_key(&field)) != "user_id") return false;
  return bson_iter_as_int64(&field) != 0 && !bson_iter_next(&field);
}

// A partial or sparse index, or one that compares by other rules, is no guard for every user_id.
bool is_unique_user_index(const bson_iter_t& index) {
  bson_iter_t field;
  if (!BSON_ITER_HOLDS_DOCUMENT(&index) || !bson_iter_recurse(&index, &field)) return false;
  bool unique = false;
  bool on_user = false;
  while (bson_iter_next(&field)) {
    const std::string_view name = bson_iter_key(&field);
    if (name == "unique") unique = bson_iter_as_bool(&field);
    if (name == "key") on_user = is_user_key(field);
    if (name == "partialFilterExpression" || name == "collation") return false;
    if (name == "sparse" && bson_iter_as_bool(&field)) return false;
  }
  return unique && on_user;
}

} // namespace

Result<std::vector<Took>> update_reply(const bson_t* reply, std::size_t writes) {
  if (auto met = write_concern_met(reply); !met) return std::unexpected(std::move(met.error()));
  std::vector tooks(writes, Took::held);
  std::vector<bool> told(writes); // an error of each
  bson_iter_t error;
  if (open_array(reply, "writeErrors", error)) {
    while (bson_iter_next(&error)) {
      const std::int64_t index = number_in(error, "index", -1);
      // An error that cannot be laid at one write's door, or the second at the same one's, may be
      // any write's.
      if (index < 0 || std::cmp_greater_equal(index, writes) ||
          told[static_cast<std::size_t>(index)])
        return std::vector(writes, Took::unknown);
      told[static_cast<std::size_t>(index)] = true;
      tooks[static_cast<std::size_t>(index)] =
          took(static_cast<std::int32_t>(number_in(error, "code", 0)));
    }
  }
  // An upsert without an error counts for one. Otherwise some were left out: FerretDB 1.24 ends a
  // bulk at its first error, and says index 0 whichever it was.
  if (!std::cmp_equal(reply_count(reply), std::ranges::count(told, false)))
    return std::vector(writes, Took::unknown);
  return tooks;
}

Result<std::int64_t> delete_reply(const bson_t* reply) {
  bson_iter_t error;
  if (open_array(reply, "writeErrors", error) && bson_iter_next(&error))
    return std::unexpected(server_error(static_cast<std::int32_t>(number_in(error, "code", 0)),
                                        text_in(error, "errmsg")));
  if (auto met = write_concern_met(reply); !met) return std::unexpected(std::move(met.error()));
  return reply_count(reply);
}

Result<void> insert_reply(const bson_t* reply, std::size_t documents) {
  const auto gone = delete_reply(reply); // the same form, with n for what was done
  if (!gone) return std::unexpected(gone.error());
  if (std::cmp_equal(*gone, documents)) return {};
  return fail(Errc::store_rejected, std::to_string(*gone) + " of " + std::to_string(documents) +
                                        " documents were inserted");
}

Result<Inserted> ordered_insert_reply(const bson_t* reply, std::size_t documents) {
  bson_iter_t error;
  const bool refused = open_array(reply, "writeErrors", error) && bson_iter_next(&error);
  if (!refused) {
    if (auto all = insert_reply(reply, documents); !all) return std::unexpected(all.error());
    return Inserted{.count = documents, .refused = {}};
  }
  if (auto met = write_concern_met(reply); !met) return std::unexpected(std::move(met.error()));
  const auto code = static_cast<std::int32_t>(number_in(error, "code", 0));
  auto why = server_error(code, text_in(error, "errmsg"));
  const auto count = reply_count(reply);
  const bool for_good = took(code) == Took::refused || took(code) == Took::failed;
  if (!for_good || count < 0 || std::cmp_greater_equal(count, documents))
    return std::unexpected(std::move(why));
  return Inserted{.count = static_cast<std::size_t>(count), .refused = std::move(why.detail)};
}

Result<void> write_concern_met(const bson_t* reply) {
  bson_iter_t at;
  if (!bson_iter_init_find(&at, reply, "writeConcernError")) return {};
  const auto code = static_cast<std::int32_t>(number_in(at, "code", 0));
  Error error = server_error(code, text_in(at, "errmsg"));
  error.code = Errc::store_timeout;
  return std::unexpected(std::move(error));
}

std::int32_t reply_code(const bson_t* reply) {
  return static_cast<std::int32_t>(number(reply, "code"));
}

std::int64_t reply_count(const bson_t* reply) {
  return number(reply, "n");
}

bool lists_unique_user_index(const bson_t* reply) {
  bson_iter_t at, batch, index;
  if (!bson_iter_init(&at, reply) || !bson_iter_find_descendant(&at, "cursor.firstBatch", &batch))
    return false;
  if (!BSON_ITER_HOLDS_ARRAY(&batch) || !bson_iter_recurse(&batch, &index)) return false;
  while (bson_iter_next(&index))
    if (is_unique_user_index(index)) return true;
  return false;
}

} // namespace panier::store::mongo
