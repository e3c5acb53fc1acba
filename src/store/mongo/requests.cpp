#include "store/mongo/requests.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "store/mongo/document.hpp"
#include "store/mongo/errors.hpp"
#include "store/mongo/replies.hpp"

namespace panier::store::mongo {

using commit::IndexState;
using commit::Mirror;
using commit::MirrorDoc;
using std::chrono::milliseconds;

namespace {

class Collector final : public Session::Reader {
public:
  void start() override { found = {}; }
  void document(const bson_t& document) override {
    Decoded decoded = decode(document);
    ++found.seen;
    if (decoded.raw_user && (!found.greatest_user || *decoded.raw_user > *found.greatest_user))
      found.greatest_user = *decoded.raw_user;
    if (decoded.doc) found.docs.push_back(std::move(*decoded.doc));
  }

  Found found;
};

// {createIndexes: collection, indexes: [{key: {user_id: 1}, name: "user_id_1", unique: true}]}
void append_create_index(bson_t* command, std::string_view collection) {
  append_text(command, "createIndexes", collection);
  bson_t indexes, index, key;
  BSON_APPEND_ARRAY_BEGIN(command, "indexes", &indexes);
  BSON_APPEND_DOCUMENT_BEGIN(&indexes, "0", &index);
  BSON_APPEND_DOCUMENT_BEGIN(&index, "key", &key);
  BSON_APPEND_INT32(&key, "user_id", 1);
  bson_append_document_end(&index, &key);
  BSON_APPEND_UTF8(&index, "name", "user_id_1");
  BSON_APPEND_BOOL(&index, "unique", true);
  bson_append_document_end(&indexes, &index);
  bson_append_array_end(command, &indexes);
}

// Documents that scan_page() cannot page through, because their user_id is no text at all.
Result<int> count_nameless(Session& session, Ticket& ticket, std::string_view collection) {
  Bson command, reply;
  append_text(command.get(), "count", collection);
  bson_t query, user, excluded;
  BSON_APPEND_DOCUMENT_BEGIN(command.get(), "query", &query);
  BSON_APPEND_DOCUMENT_BEGIN(&query, "user_id", &user);
  BSON_APPEND_DOCUMENT_BEGIN(&user, "$not", &excluded);
  BSON_APPEND_UTF8(&excluded, "$type", "string");
  bson_append_document_end(&user, &excluded);
  bson_append_document_end(&query, &user);
  bson_append_document_end(command.get(), &query);
  if (auto sent = session.command(command.get(), reply, ticket); !sent)
    return std::unexpected(std::move(sent.error()));
  return static_cast<int>(reply_count(reply.get()));
}

// The page ends with the last of a user's documents: where to go on is told by a user alone.
Result<void> complete_last_user(Session& session, Ticket& ticket, Mirror::Page& page) {
  Bson filter;
  append_text(filter.get(), "user_id", page.docs.back().user.text());
  Result<Found> same = find(session, ticket, filter.get(), same_user_max);
  if (!same) return std::unexpected(std::move(same.error()));
  for (MirrorDoc& doc : same->docs) {
    const auto known = [&doc](const MirrorDoc& other) { return other.id == doc.id; };
    if (std::ranges::none_of(page.docs, known)) page.docs.push_back(std::move(doc));
  }
  return {};
}

// The next documents with a text for a user_id: every text is >= "".
Result<Found> find_after(Session& session, Ticket& ticket, const std::optional<std::string>& after,
                         std::int64_t limit) {
  Bson filter;
  bson_t user;
  BSON_APPEND_DOCUMENT_BEGIN(filter.get(), "user_id", &user);
  append_text(&user, after ? "$gt" : "$gte", after.value_or(""));
  bson_append_document_end(filter.get(), &user);
  return find(session, ticket, filter.get(), limit);
}

} // namespace

milliseconds wtimeout(milliseconds timeout) {
  return std::max(timeout - wtimeout_margin, milliseconds(1));
}

Result<Found> find(Session& session, Ticket& ticket, const bson_t* filter, std::int64_t limit) {
  Bson opts;
  bson_t sort;
  BSON_APPEND_DOCUMENT_BEGIN(opts.get(), "sort", &sort);
  BSON_APPEND_INT32(&sort, "user_id", 1);
  bson_append_document_end(opts.get(), &sort);
  BSON_APPEND_INT64(opts.get(), "limit", limit);
  BSON_APPEND_INT64(opts.get(), "batchSize", limit);
  BSON_APPEND_INT64(opts.get(), "maxTimeMS", ticket.left().count());
  Collector collector;
  if (auto sent = session.find(filter, opts.get(), collector, ticket); !sent)
    return std::unexpected(std::move(sent.error()));
  return std::move(collector.found);
}

// A write that finds nothing waits, like any other, until a majority holds what was written last.
Result<void> ping(Session& session, Ticket& ticket, std::string_view collection) {
  Bson command, reply;
  bson_t query, change, nothing;
  bson_oid_t none;
  bson_oid_init_from_string(&none, "000000000000000000000000");
  append_text(command.get(), "findAndModify", collection);
  BSON_APPEND_DOCUMENT_BEGIN(command.get(), "query", &query);
  BSON_APPEND_OID(&query, "_id", &none);
  append_text(&query, "user_id", ""); // nobody's; a sharded cluster wants the shard's key here
  bson_append_document_end(command.get(), &query);
  BSON_APPEND_DOCUMENT_BEGIN(command.get(), "update", &change);
  // Without an upsert this is no change, should somebody's document be found after all.
  BSON_APPEND_DOCUMENT_BEGIN(&change, "$setOnInsert", &nothing);
  BSON_APPEND_INT32(&nothing, "version", 0);
  bson_append_document_end(&change, &nothing);
  bson_append_document_end(command.get(), &change);
  append_write_concern(command.get(), wtimeout(ticket.left()));
  if (auto sent = session.command(command.get(), reply, ticket); !sent) return sent;
  return write_concern_met(reply.get());
}

Result<std::int64_t> delete_one(Session& session, Ticket& ticket, std::string_view collection,
                                const bson_t* filter) {
  Bson command, reply;
  append_text(command.get(), "delete", collection);
  bson_t deletes, entry;
  BSON_APPEND_ARRAY_BEGIN(command.get(), "deletes", &deletes);
  BSON_APPEND_DOCUMENT_BEGIN(&deletes, "0", &entry);
  BSON_APPEND_DOCUMENT(&entry, "q", filter);
  BSON_APPEND_INT32(&entry, "limit", 1);
  bson_append_document_end(&deletes, &entry);
  bson_append_array_end(command.get(), &deletes);
  append_write_concern(command.get(), wtimeout(ticket.left()));
  if (auto sent = session.command(command.get(), reply, ticket); !sent)
    return std::unexpected(std::move(sent.error()));
  return delete_reply(reply.get());
}

Result<void> clear_strangers(Session& session, Ticket& ticket, std::string_view collection,
                             const commit::UserId& user, const commit::CartId& id) {
  Bson same_id, same_user;
  bson_t other;
  append_id(same_id.get(), id);
  BSON_APPEND_DOCUMENT_BEGIN(same_id.get(), "user_id", &other);
  append_text(&other, "$ne", user.text());
  bson_append_document_end(same_id.get(), &other);

  append_text(same_user.get(), "user_id", user.text());
  BSON_APPEND_DOCUMENT_BEGIN(same_user.get(), "_id", &other);
  bson_oid_t oid;
  bson_oid_init_from_data(&oid, id.bytes().data());
  BSON_APPEND_OID(&other, "$ne", &oid);
  bson_append_document_end(same_user.get(), &other);

  for (const auto* filter : {&same_id, &same_user}) {
    for (int n = 0; n < same_user_max; ++n) {
      const auto gone = delete_one(session, ticket, collection, filter->get());
      if (!gone) return std::unexpected(gone.error());
      if (*gone == 0) break;
    }
  }
  return {};
}

Result<bool> has_index(Session& session, Ticket& ticket, std::string_view collection) {
  Bson command, reply;
  append_text(command.get(), "listIndexes", collection);
  bson_t cursor;
  BSON_APPEND_DOCUMENT_BEGIN(command.get(), "cursor", &cursor);
  bson_append_document_end(command.get(), &cursor);
  const auto sent = session.command(command.get(), reply, ticket);
  if (!sent && reply_code(reply.get()) == namespace_not_found) return false;
  if (!sent) return std::unexpected(sent.error());
  return lists_unique_user_index(reply.get());
}

Result<IndexState> build_index(Session& session, Ticket& ticket, std::string_view collection) {
  Bson command, reply;
  append_create_index(command.get(), collection);
  append_write_concern(command.get(), wtimeout(ticket.left()));
  const auto sent = session.command(command.get(), reply, ticket);
  if (!sent && index_impossible(reply_code(reply.get()))) return IndexState::missing;
  if (!sent) return std::unexpected(sent.error());
  if (auto met = write_concern_met(reply.get()); !met) return std::unexpected(met.error());
  return IndexState::built;
}

Result<Mirror::Page> scan_page(Session& session, Ticket& ticket, std::string_view collection,
                               std::optional<std::string> after, int limit) {
  Mirror::Page page;
  // A full page ends with a document that we can read, since no more is fetched than is missing: so
  // its last user is where the server stands too, and no document is counted on two pages.
  while (std::cmp_less(page.docs.size(), limit)) {
    const std::int64_t missing = limit - std::ssize(page.docs);
    Result<Found> found = find_after(session, ticket, after, missing);
    if (!found) return std::unexpected(std::move(found.error()));
    page.unreadable += static_cast<int>(found->seen - std::ssize(found->docs));
    std::ranges::move(found->docs, std::back_inserter(page.docs));
    if (found->seen < missing) { // the server has no more
      const Result<int> nameless = count_nameless(session, ticket, collection);
      if (!nameless) return std::unexpected(nameless.error());
      page.unreadable += *nameless;
      return page;
    }
    // A list of texts matches like a text, but there is no going on after it.
    if (!found->greatest_user)
      return fail(Errc::store_corrupt, "documents whose user_id is a list stand in the way");
    after = std::move(found->greatest_user);
  }
  page.next = page.docs.back().user;
  if (auto completed = complete_last_user(session, ticket, page); !completed)
    return std::unexpected(std::move(completed.error()));
  return page;
}

} // namespace panier::store::mongo
