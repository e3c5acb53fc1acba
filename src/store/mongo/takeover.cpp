#include "store/mongo/takeover.hpp"

#include <utility>

#include "store/mongo/document.hpp"
#include "store/mongo/errors.hpp"
#include "store/mongo/replies.hpp"
#include "store/mongo/requests.hpp"
#include "store/mongo/session.hpp"
#include "store/mongo/target.hpp"

namespace panier::store::mongo {
namespace {

using namespace std::chrono_literals;

constexpr auto put_away_suffix = "_predecessor";
constexpr std::int64_t scan_batch_documents = 1'000;
// A read of all documents ends with the server's silence, not by a clock; a day is above any.
constexpr auto scan_max = 24h;

Result<std::shared_ptr<Pool>> make_pool(const Settings& settings, std::string collection) {
  auto target = make_target(settings);
  if (!target) return std::unexpected(target.error());
  // The time of one answer is generous here; whether there is a server shows sooner.
  mongoc_uri_set_option_as_int32(target->uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
                                 static_cast<std::int32_t>(Takeover::reach_max.count()));
  return std::make_shared<Pool>(std::move(*target), std::move(collection));
}

std::string json_of(const bson_t& document) {
  std::size_t size = 0;
  const JsonPtr text(bson_as_canonical_extended_json(&document, &size));
  return text ? std::string(text.get(), size) : std::string();
}

std::uint32_t id_maria_at(const bson_iter_t& at) {
  if (!BSON_ITER_HOLDS_NUMBER(&at)) return 0;
  const auto number = bson_iter_as_int64(&at);
  return std::in_range<std::uint32_t>(number) ? static_cast<std::uint32_t>(number) : 0;
}

PredecessorDocument read(const bson_t& document) {
  PredecessorDocument found{.id = {}, .user_id = {}, .json = json_of(document)};
  bson_iter_t at;
  if (!bson_iter_init(&at, &document)) return found;
  while (bson_iter_next(&at)) {
    const std::string_view name = bson_iter_key(&at);
    if (name == "_id" && BSON_ITER_HOLDS_OID(&at)) {
      cart::CartId::Bytes bytes;
      std::ranges::copy(bson_iter_oid(&at)->bytes, bytes.begin());
      found.id = cart::CartId(bytes).hex();
    } else if (name == "user_id" && BSON_ITER_HOLDS_UTF8(&at)) {
      std::uint32_t size = 0;
      const char* text = bson_iter_utf8(&at, &size);
      found.user_id = std::string(text, size);
    } else if (name == "id_maria") {
      found.id_maria = id_maria_at(at);
    }
  }
  return found;
}

class Scan final : public Session::Reader {
public:
  explicit Scan(const Takeover::TakeDocument& take) : take_(take) {}
  void start() override {
    if (seen_ > 0) result = fail(Errc::store_unreachable, "the connection broke while reading");
  }
  void document(const bson_t& document) override {
    ++seen_;
    if (result) result = take_(read(document));
  }
  Result<void> result;

private:
  const Takeover::TakeDocument& take_;
  std::int64_t seen_ = 0;
};

// How many went, until one that cannot be read.
std::size_t append_json(bson_t& list, std::span<const std::string> documents) {
  for (std::size_t at = 0; at < documents.size(); ++at) {
    const auto& text = documents[at];
    bson_error_t error{};
    Bson document;
    if (!bson_init_from_json(document.reset(), text.data(), static_cast<ssize_t>(text.size()),
                             &error)) {
      bson_init(document.get()); // it was left destroyed
      return at;
    }
    BSON_APPEND_DOCUMENT(&list, std::to_string(at).c_str(), document.get());
  }
  return documents.size();
}

} // namespace

// A session for each of the two collections.
class Takeover::Wire {
public:
  Wire(std::shared_ptr<Pool> to_carts, std::shared_ptr<Pool> to_put_away,
       std::chrono::milliseconds answer_max)
      : carts_pool(std::move(to_carts)), put_away_pool(std::move(to_put_away)), carts(carts_pool),
        away(put_away_pool), answer_max_(answer_max) {}

  const std::shared_ptr<Pool> carts_pool;
  const std::shared_ptr<Pool> put_away_pool;
  Session carts;
  Session away;

  [[nodiscard]] Ticket ticket() const {
    return Ticket(std::chrono::steady_clock::now() + answer_max_);
  }
  [[nodiscard]] std::chrono::milliseconds answer_max() const { return answer_max_; }

  Result<bool> exists(const std::string& collection) {
    Bson command, reply;
    bson_t filter;
    BSON_APPEND_INT32(command.get(), "listCollections", 1);
    BSON_APPEND_DOCUMENT_BEGIN(command.get(), "filter", &filter);
    append_text(&filter, "name", collection);
    bson_append_document_end(command.get(), &filter);
    BSON_APPEND_BOOL(command.get(), "nameOnly", true);
    auto ticket_now = ticket();
    if (auto sent = carts.command(command.get(), reply, ticket_now); !sent)
      return std::unexpected(sent.error());
    bson_iter_t at, batch, first;
    return bson_iter_init(&at, reply.get()) &&
           bson_iter_find_descendant(&at, "cursor.firstBatch", &batch) &&
           bson_iter_recurse(&batch, &first) && bson_iter_next(&first);
  }

  Result<void> rename(const std::string& from, const std::string& to) {
    const auto& database = carts_pool->target().database;
    Bson command;
    append_text(command.get(), "renameCollection", database + "." + from);
    append_text(command.get(), "to", database + "." + to);
    return change(command, "admin"); // where MongoDB wants it
  }

  Result<void> named(const char* verb, const std::string& collection) {
    Bson command;
    append_text(command.get(), verb, collection);
    return change(command, nullptr);
  }

  Result<void> insert(Bson& command, std::size_t documents) {
    Bson reply;
    if (auto sent = send_insert(command, false, reply); !sent) return sent;
    return insert_reply(reply.get(), documents);
  }

  Result<Inserted> insert_in_order(Bson& command, std::size_t documents) {
    Bson reply;
    if (auto sent = send_insert(command, true, reply); !sent) return std::unexpected(sent.error());
    return ordered_insert_reply(reply.get(), documents);
  }

private:
  Result<void> send_insert(Bson& command, bool ordered, Bson& reply) {
    BSON_APPEND_BOOL(command.get(), "ordered", ordered);
    append_write_concern(command.get(), wtimeout(answer_max_));
    auto ticket_now = ticket();
    return carts.command(command.get(), reply, ticket_now);
  }

  Result<void> change(Bson& command, const char* database) {
    append_write_concern(command.get(), wtimeout(answer_max_));
    Bson reply;
    auto ticket_now = ticket();
    if (auto sent = carts.command(command.get(), reply, ticket_now, database); !sent) return sent;
    return write_concern_met(reply.get());
  }

  const std::chrono::milliseconds answer_max_;
};

Result<std::unique_ptr<Takeover>> Takeover::make(const Settings& settings) {
  auto carts = make_pool(settings, settings.collection);
  if (!carts) return std::unexpected(carts.error());
  auto away = make_pool(settings, settings.collection + put_away_suffix);
  if (!away) return std::unexpected(away.error());
  return std::unique_ptr<Takeover>(
      new Takeover(std::make_unique<Wire>(std::move(*carts), std::move(*away), settings.timeout)));
}

Takeover::Takeover(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}
Takeover::~Takeover() = default;

const std::string& Takeover::database() const {
  return wire_->carts_pool->target().database;
}

const std::string& Takeover::collection() const {
  return wire_->carts_pool->collection();
}

Result<bool> Takeover::is_put_away() {
  return wire_->exists(wire_->put_away_pool->collection());
}

Result<bool> Takeover::has_carts() {
  return wire_->exists(wire_->carts_pool->collection());
}

Result<void> Takeover::put_away_now() {
  const auto there = has_carts();
  if (!there) return std::unexpected(there.error());
  const auto& away = wire_->put_away_pool->collection();
  // An empty one is put away as well: that there is one says that this step is done.
  return *there ? wire_->rename(wire_->carts_pool->collection(), away)
                : wire_->named("create", away);
}

Result<void> Takeover::bring_back() {
  if (auto dropped = remove(Which::carts); !dropped) return dropped;
  return wire_->rename(wire_->put_away_pool->collection(), wire_->carts_pool->collection());
}

Result<void> Takeover::remove_put_away() {
  return remove(Which::put_away);
}

Result<void> Takeover::remove(Which which) {
  const auto& name =
      (which == Which::carts ? wire_->carts_pool : wire_->put_away_pool)->collection();
  const auto there = wire_->exists(name);
  if (!there) return std::unexpected(there.error());
  return *there ? wire_->named("drop", name) : Result<void>{};
}

Result<void> Takeover::make_fresh() {
  if (auto dropped = remove(Which::carts); !dropped) return dropped;
  auto ticket = wire_->ticket();
  const auto built = build_index(wire_->carts, ticket, wire_->carts_pool->collection());
  if (!built) return std::unexpected(built.error());
  if (*built == commit::IndexState::built) return {};
  return fail(Errc::store_conflict, "somebody else writes into the collection: stop it");
}

Result<std::int64_t> Takeover::count(Which which) {
  Bson command, reply;
  append_text(command.get(), "count",
              (which == Which::carts ? wire_->carts_pool : wire_->put_away_pool)->collection());
  auto ticket = wire_->ticket();
  if (auto sent = wire_->carts.command(command.get(), reply, ticket); !sent)
    return std::unexpected(sent.error());
  return reply_count(reply.get());
}

Result<void> Takeover::scan(Which which, const TakeDocument& take) {
  const Bson all;
  Bson opts;
  BSON_APPEND_INT64(opts.get(), "batchSize", scan_batch_documents);
  Scan scan(take);
  Ticket ticket(std::chrono::steady_clock::now() + scan_max);
  auto& session = which == Which::carts ? wire_->carts : wire_->away;
  if (auto read = session.find(all.get(), opts.get(), scan, ticket); !read) return read;
  return scan.result;
}

Result<void> Takeover::insert(std::span<const commit::MirrorWrite> carts) {
  if (carts.empty()) return {};
  Bson command;
  bson_t documents, document;
  append_text(command.get(), "insert", wire_->carts_pool->collection());
  BSON_APPEND_ARRAY_BEGIN(command.get(), "documents", &documents);
  for (std::size_t at = 0; at < carts.size(); ++at) {
    const auto index = std::to_string(at);
    bson_append_document_begin(&documents, index.c_str(), -1, &document);
    append_document(&document, carts[at]);
    bson_append_document_end(&documents, &document);
  }
  bson_append_array_end(command.get(), &documents);
  return wire_->insert(command, carts.size());
}

Result<void> Takeover::insert_json(std::span<const std::string> documents) {
  if (documents.empty()) return {};
  Bson command;
  bson_t list;
  append_text(command.get(), "insert", wire_->carts_pool->collection());
  BSON_APPEND_ARRAY_BEGIN(command.get(), "documents", &list);
  const auto appended = append_json(list, documents);
  bson_append_array_end(command.get(), &list);
  if (appended < documents.size())
    return fail(Errc::store_corrupt, "a document cannot be read: " + documents[appended]);
  return wire_->insert(command, documents.size());
}

// In order, since only then is it certain, with every server, which one was refused.
Result<void> Takeover::insert_json(std::span<const std::string> documents, const Refused& refused) {
  for (std::size_t at = 0; at < documents.size();) {
    Bson command;
    bson_t list;
    append_text(command.get(), "insert", wire_->carts_pool->collection());
    BSON_APPEND_ARRAY_BEGIN(command.get(), "documents", &list);
    const auto appended = append_json(list, documents.subspan(at));
    bson_append_array_end(command.get(), &list);
    if (appended == 0) {
      refused(at++, "it cannot be read");
      continue;
    }
    const auto inserted = wire_->insert_in_order(command, appended);
    if (!inserted) return std::unexpected(inserted.error());
    at += inserted->count;
    if (!inserted->refused.empty()) refused(at++, inserted->refused);
  }
  return {};
}

} // namespace panier::store::mongo
