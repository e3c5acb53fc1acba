// What a server's answer says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "commit/ports/mirror.hpp"
#include "store/mongo/handles.hpp"

namespace panier::store::mongo {

// One entry for each of `writes`. Only writeErrors[i] decide: n is a total and proves nothing of a
// single write; but a total that does not add up proves that the answer cannot be trusted: all are
// unknown then. store_timeout: as write_concern_met().
[[nodiscard]] Result<std::vector<commit::Took>> update_reply(const bson_t* reply,
                                                             std::size_t writes);
// How many documents went.
[[nodiscard]] Result<std::int64_t> delete_reply(const bson_t* reply);
// All documents of an insert went in, and last. store_rejected: one was refused.
[[nodiscard]] Result<void> insert_reply(const bson_t* reply, std::size_t documents);
// Of an ordered insert: how many documents went in, and why the next one was refused for good, if
// it was.
struct Inserted {
  std::size_t count = 0;
  std::string refused;
};
[[nodiscard]] Result<Inserted> ordered_insert_reply(const bson_t* reply, std::size_t documents);
// store_timeout: there is a writeConcernError, so nobody knows whether it lasts.
[[nodiscard]] Result<void> write_concern_met(const bson_t* reply);
// The server's code of an answer with ok: 0; 0 where there is none.
[[nodiscard]] std::int32_t reply_code(const bson_t* reply);
// n, 0 where there is none.
[[nodiscard]] std::int64_t reply_count(const bson_t* reply);
// In an answer to listIndexes: unique, on user_id alone, and on all documents.
[[nodiscard]] bool lists_unique_user_index(const bson_t* reply);

} // namespace panier::store::mongo
