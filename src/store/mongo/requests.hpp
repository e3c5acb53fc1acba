// What the mirror asks of MongoDB, request by request, on a session that is the caller's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commit/ports/mirror.hpp"
#include "store/mongo/session.hpp"

namespace panier::store::mongo {

// The server gives up waiting for its majority a little before we give up on the server: an answer
// that says "unknown" keeps the connection, silence costs it.
inline constexpr std::chrono::milliseconds wtimeout_margin{50};
// Documents of one user that scan_page() returns beyond its limit: without the unique index there
// can be several.
inline constexpr std::int64_t same_user_max = 64;

[[nodiscard]] std::chrono::milliseconds wtimeout(std::chrono::milliseconds timeout);

// Every document that a find brought.
struct Found {
  std::vector<commit::MirrorDoc> docs;      // those that could be read
  std::optional<std::string> greatest_user; // as it stands there, of all that have a text
  std::int64_t seen = 0;
};
[[nodiscard]] Result<Found> find(Session& session, Ticket& ticket, const bson_t* filter,
                                 std::int64_t limit);

[[nodiscard]] Result<void> ping(Session& session, Ticket& ticket, std::string_view collection);

// {delete: .., deletes: [{q: filter, limit: 1}]}: how many went, 0 or 1.
[[nodiscard]] Result<std::int64_t> delete_one(Session& session, Ticket& ticket,
                                              std::string_view collection, const bson_t* filter);
// Deletes the documents with this _id that are not this user's, and this user's with another _id.
[[nodiscard]] Result<void> clear_strangers(Session& session, Ticket& ticket,
                                           std::string_view collection, const commit::UserId& user,
                                           const commit::CartId& id);

[[nodiscard]] Result<bool> has_index(Session& session, Ticket& ticket, std::string_view collection);
[[nodiscard]] Result<commit::IndexState> build_index(Session& session, Ticket& ticket,
                                                     std::string_view collection);

// limit > 0
[[nodiscard]] Result<commit::Mirror::Page> scan_page(Session& session, Ticket& ticket,
                                                     std::string_view collection,
                                                     std::optional<std::string> after, int limit);

} // namespace panier::store::mongo
