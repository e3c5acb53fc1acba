// A cart as a BSON document, and the guarded update that writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "commit/ports/mirror.hpp"
#include "store/mongo/handles.hpp"

namespace panier::store::mongo {

// {update: collection, updates: [..], ordered: false, writeConcern: ..}: one guarded upsert a
// write.
void append_update(bson_t* command, std::string_view collection,
                   std::span<const commit::MirrorWrite> writes);

// The document of a cart that exists, as the guarded update would make it.
void append_document(bson_t* to, const commit::MirrorWrite& write);

// writeConcern: {w: majority, j: true, wtimeout}. wtimeout > 0.
void append_write_concern(bson_t* command, std::chrono::milliseconds wtimeout);

// {user_id: {$in: [..]}}
void append_users(bson_t* filter, std::span<const commit::UserId> users);

void append_text(bson_t* to, const char* key, std::string_view value);
void append_id(bson_t* to, const commit::CartId& id); // _id

// What a stored document says. doc: nullopt where user_id or _id cannot be read; anything else by
// hand ends in MirrorDoc::readable or in a zero. raw_user: the user_id as it stands there, if it is
// a text.
struct Decoded {
  std::optional<std::string_view> raw_user; // a view into the document
  std::optional<commit::MirrorDoc> doc;
};
[[nodiscard]] Decoded decode(const bson_t& document);

} // namespace panier::store::mongo
