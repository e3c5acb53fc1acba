#include "support/wire_commands.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

namespace panier::support::wire {
namespace {

constexpr std::size_t batch_bytes_max = 15'000'000; // of MongoDB's 16 MiB a document

void append_error(bson_t* to, int code, const std::string& message) {
  BSON_APPEND_INT32(to, "code", code);
  BSON_APPEND_UTF8(to, "errmsg", message.c_str());
}

std::string refusal(int code, const std::string& message) {
  Doc reply;
  BSON_APPEND_DOUBLE(reply.get(), "ok", 0);
  append_error(reply.get(), code, message);
  BSON_APPEND_UTF8(reply.get(), "codeName", "Scripted");
  return reply.raw();
}

bool hit(const WireFault& fault, std::size_t index) {
  if (fault.kind != WireFault::Kind::write_errors) return false;
  return fault.indexes.empty() ||
         std::ranges::find(fault.indexes, static_cast<int>(index)) != fault.indexes.end();
}

using Errors = std::vector<std::pair<std::size_t, WriteError>>;

// Runs a statement for each document of an unordered or ordered bulk, and keeps each one's error.
Errors each(const std::vector<std::string_view>& documents, bool ordered,
            const std::optional<WireFault>& fault,
            const std::function<void(std::size_t)>& statement) {
  Errors errors;
  for (std::size_t index = 0; index < documents.size(); ++index) {
    try {
      if (fault && hit(*fault, index)) throw WriteError{fault->code, "scripted"};
      statement(index);
    } catch (const WriteError& error) {
      errors.emplace_back(index, error);
    } catch (const BadQuery& bad) {
      errors.emplace_back(index, WriteError{9, bad.message});
    }
    if (ordered && !errors.empty()) break;
  }
  return errors;
}

bool ordered(const Command& command) {
  const View body(command.body);
  return !field(body.get(), "ordered") || flag(body.get(), "ordered");
}

void append_errors(bson_t* reply, const Errors& errors) {
  if (errors.empty()) return;
  bson_t list, entry;
  BSON_APPEND_ARRAY_BEGIN(reply, "writeErrors", &list);
  for (std::size_t at = 0; at < errors.size(); ++at) {
    const std::string key = std::to_string(at);
    bson_append_document_begin(&list, key.c_str(), static_cast<int>(key.size()), &entry);
    BSON_APPEND_INT32(&entry, "index", static_cast<std::int32_t>(errors[at].first));
    append_error(&entry, errors[at].second.code, errors[at].second.message);
    bson_append_document_end(&list, &entry);
  }
  bson_append_array_end(reply, &list);
}

void append_concern_error(bson_t* reply, const std::optional<WireFault>& fault) {
  if (!fault || fault->kind != WireFault::Kind::write_concern_error) return;
  bson_t error;
  BSON_APPEND_DOCUMENT_BEGIN(reply, "writeConcernError", &error);
  append_error(&error, fault->code, "waiting for replication timed out");
  bson_append_document_end(reply, &error);
}

} // namespace

std::string Command::database() const {
  return text(View(body).get(), "$db", "test");
}

std::vector<std::string_view> Command::documents(const char* key) const {
  for (const auto& [name_of, list] : sequences)
    if (name_of == key) return list;
  return elements(embedded(View(body).get(), key));
}

Collection& Commands::collection(const std::string& space) {
  return collections_.try_emplace(space, space).first->second;
}

Collection& Commands::collection_of(const Command& command) {
  return collection(command.database() + "." +
                    text(View(command.body).get(), command.name.c_str()));
}

Commands::Body Commands::body_of(std::string_view name) {
  static const std::map<std::string_view, Body> bodies{
      {"update", &Commands::update},
      {"insert", &Commands::insert},
      {"delete", &Commands::remove},
      {"findAndModify", &Commands::find_and_modify},
      {"find", &Commands::find},
      {"getMore", &Commands::get_more},
      {"killCursors", &Commands::kill_cursors},
      {"count", &Commands::count},
      {"createIndexes", &Commands::create_indexes},
      {"listIndexes", &Commands::list_indexes},
      {"listCollections", &Commands::list_collections},
      {"create", &Commands::create},
      {"renameCollection", &Commands::rename},
      {"drop", &Commands::drop},
      {"buildInfo", &Commands::build_info},
      {"saslStart", &Commands::refuse_login},
      {"ping", &Commands::nothing},
      {"endSessions", &Commands::nothing},
  };
  const auto at = bodies.find(name);
  return at == bodies.end() ? nullptr : at->second;
}

std::string Commands::answer(const Command& command, const std::optional<WireFault>& fault,
                             std::uint16_t port) {
  if (fault && fault->kind == WireFault::Kind::error) return refusal(fault->code, "scripted");
  Doc reply;
  if (command.name == "hello" || command.name == "isMaster" || command.name == "ismaster") {
    hello(command, reply, port);
    return reply.raw();
  }
  const Body body = body_of(command.name);
  if (body == nullptr) return refusal(59, "no such command: '" + command.name + "'");
  try {
    const std::lock_guard lock(mutex_);
    (this->*body)(command, reply, fault);
  } catch (const WriteError& error) {
    return refusal(error.code, error.message);
  } catch (const BadQuery& bad) {
    return refusal(2, bad.message);
  }
  append_concern_error(reply.get(), fault);
  BSON_APPEND_DOUBLE(reply.get(), "ok", 1);
  return reply.raw();
}

void Commands::hello(const Command& command, Doc& reply, std::uint16_t port) const {
  bson_t* to = reply.get();
  const std::string host = "127.0.0.1:" + std::to_string(port);
  BSON_APPEND_BOOL(to, command.name == "hello" ? "isWritablePrimary" : "ismaster", true);
  BSON_APPEND_BOOL(to, "helloOk", true);
  if (options_.topology == WireDouble::Topology::replica_set) {
    bson_t hosts;
    BSON_APPEND_UTF8(to, "setName", "rs0");
    BSON_APPEND_INT32(to, "setVersion", 1);
    BSON_APPEND_ARRAY_BEGIN(to, "hosts", &hosts);
    BSON_APPEND_UTF8(&hosts, "0", host.c_str());
    bson_append_array_end(to, &hosts);
    BSON_APPEND_UTF8(to, "primary", host.c_str());
    BSON_APPEND_UTF8(to, "me", host.c_str());
  }
  BSON_APPEND_INT32(to, "maxBsonObjectSize", 16 * 1024 * 1024);
  BSON_APPEND_INT32(to, "maxMessageSizeBytes", 48'000'000);
  BSON_APPEND_INT32(to, "maxWriteBatchSize", 100'000);
  BSON_APPEND_INT32(to, "logicalSessionTimeoutMinutes", 30);
  BSON_APPEND_DATE_TIME(to, "localTime", 0);
  BSON_APPEND_INT32(to, "minWireVersion", 0);
  BSON_APPEND_INT32(to, "maxWireVersion", options_.max_wire_version);
  BSON_APPEND_BOOL(to, "readOnly", false);
  BSON_APPEND_DOUBLE(to, "ok", 1);
}

void Commands::update(const Command& command, Doc& reply, const std::optional<WireFault>& fault) {
  Collection& into = collection_of(command);
  auto statements = command.documents("updates");
  if (fault && fault->kind == WireFault::Kind::short_bulk) statements.resize(1);
  std::int64_t matched = 0;
  std::vector<std::pair<std::size_t, std::string>> upserts;
  const Errors errors = each(statements, ordered(command), fault, [&](std::size_t index) {
    const View statement(statements[index]);
    const auto done = into.update(View(or_empty(embedded(statement.get(), "q"))).get(),
                                  View(or_empty(embedded(statement.get(), "u"))).get(),
                                  flag(statement.get(), "multi"), flag(statement.get(), "upsert"));
    matched += done.matched;
    if (done.upserted) upserts.emplace_back(index, *done.upserted);
  });
  BSON_APPEND_INT32(reply.get(), "n", static_cast<std::int32_t>(matched + std::ssize(upserts)));
  BSON_APPEND_INT32(reply.get(), "nModified", static_cast<std::int32_t>(matched));
  if (!upserts.empty()) {
    bson_t list, entry;
    BSON_APPEND_ARRAY_BEGIN(reply.get(), "upserted", &list);
    for (std::size_t at = 0; at < upserts.size(); ++at) {
      const std::string key = std::to_string(at);
      bson_append_document_begin(&list, key.c_str(), static_cast<int>(key.size()), &entry);
      BSON_APPEND_INT32(&entry, "index", static_cast<std::int32_t>(upserts[at].first));
      const View document(upserts[at].second);
      if (const auto id = field(document.get(), "_id")) bson_append_iter(&entry, "_id", 3, &*id);
      bson_append_document_end(&list, &entry);
    }
    bson_append_array_end(reply.get(), &list);
  }
  append_errors(reply.get(), errors);
}

void Commands::insert(const Command& command, Doc& reply, const std::optional<WireFault>& fault) {
  Collection& into = collection_of(command);
  const auto documents = command.documents("documents");
  std::int32_t inserted = 0;
  const Errors errors = each(documents, ordered(command), fault, [&](std::size_t index) {
    into.insert(std::string(documents[index]));
    ++inserted;
  });
  BSON_APPEND_INT32(reply.get(), "n", inserted);
  append_errors(reply.get(), errors);
}

void Commands::remove(const Command& command, Doc& reply, const std::optional<WireFault>& fault) {
  Collection& from = collection_of(command);
  const auto statements = command.documents("deletes");
  std::int64_t gone = 0;
  const Errors errors = each(statements, ordered(command), fault, [&](std::size_t index) {
    const View statement(statements[index]);
    gone += from.remove(View(or_empty(embedded(statement.get(), "q"))).get(),
                        number(statement.get(), "limit"));
  });
  BSON_APPEND_INT32(reply.get(), "n", static_cast<std::int32_t>(gone));
  append_errors(reply.get(), errors);
}

// Its answer without the document, which nobody here asks for.
void Commands::find_and_modify(const Command& command, Doc& reply,
                               const std::optional<WireFault>&) {
  const View body(command.body);
  const auto done = collection_of(command).update(
      View(or_empty(embedded(body.get(), "query"))).get(),
      View(or_empty(embedded(body.get(), "update"))).get(), false, flag(body.get(), "upsert"));
  bson_t last;
  BSON_APPEND_DOCUMENT_BEGIN(reply.get(), "lastErrorObject", &last);
  BSON_APPEND_INT32(&last, "n", static_cast<std::int32_t>(done.matched));
  BSON_APPEND_BOOL(&last, "updatedExisting", done.matched > 0);
  bson_append_document_end(reply.get(), &last);
  BSON_APPEND_NULL(reply.get(), "value");
}

// As many as the client wants, fit, and are allowed; the rest waits under a cursor.
void Commands::append_batch(Doc& reply, const std::string& space, const char* name,
                            std::vector<std::string> documents, std::int64_t wanted) {
  bson_t cursor, batch;
  BSON_APPEND_DOCUMENT_BEGIN(reply.get(), "cursor", &cursor);
  BSON_APPEND_ARRAY_BEGIN(&cursor, name, &batch);
  const auto most = std::min(static_cast<std::size_t>(wanted), options_.batch_documents_max);
  std::size_t sent = 0, bytes = 0;
  for (; sent < std::min(most, documents.size()) && bytes < batch_bytes_max; ++sent) {
    const std::string key = std::to_string(sent);
    bson_append_document(&batch, key.c_str(), static_cast<int>(key.size()),
                         View(documents[sent]).get());
    bytes += documents[sent].size();
  }
  bson_append_array_end(&cursor, &batch);
  documents.erase(documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(sent));
  const std::int64_t id = documents.empty() ? 0 : next_cursor_++;
  if (id != 0) cursors_.emplace(id, std::move(documents));
  BSON_APPEND_INT64(&cursor, "id", id);
  BSON_APPEND_UTF8(&cursor, "ns", space.c_str());
  bson_append_document_end(reply.get(), &cursor);
}

void Commands::find(const Command& command, Doc& reply, const std::optional<WireFault>&) {
  const View body(command.body);
  if (field(body.get(), "projection")) throw WriteError{2, "projections are not known here"};
  const View filter(or_empty(embedded(body.get(), "filter")));
  const View sort(or_empty(embedded(body.get(), "sort")));
  const Collection& from = collection_of(command);
  auto documents =
      from.find(filter.get(), sort.get(), number(body.get(), "skip"), number(body.get(), "limit"));
  append_batch(reply, from.name(), "firstBatch", std::move(documents),
               number(body.get(), "batchSize", first_batch_default));
}

void Commands::get_more(const Command& command, Doc& reply, const std::optional<WireFault>&) {
  const View body(command.body);
  const auto at = cursors_.find(number(body.get(), "getMore"));
  if (at == cursors_.end()) throw WriteError{43, "cursor not found"};
  std::vector<std::string> documents = std::move(at->second);
  cursors_.erase(at);
  append_batch(reply, command.database() + "." + text(body.get(), "collection"), "nextBatch",
               std::move(documents), number(body.get(), "batchSize", 1'000'000));
}

void Commands::kill_cursors(const Command& command, Doc&, const std::optional<WireFault>&) {
  const View body(command.body);
  const auto list = field(body.get(), "cursors");
  bson_iter_t id;
  if (!list || !bson_iter_recurse(&*list, &id)) return;
  while (bson_iter_next(&id))
    cursors_.erase(bson_iter_as_int64(&id));
}

void Commands::count(const Command& command, Doc& reply, const std::optional<WireFault>&) {
  const View query(or_empty(embedded(View(command.body).get(), "query")));
  const auto found = collection_of(command).find(query.get(), nullptr, 0, 0);
  BSON_APPEND_INT32(reply.get(), "n", static_cast<std::int32_t>(found.size()));
}

void Commands::build_info(const Command&, Doc& reply, const std::optional<WireFault>&) {
  BSON_APPEND_UTF8(reply.get(), "version", "0.0.0-wire-double");
}

// A login costs nothing to refuse; letting one in would need SCRAM, and no test needs a password to
// be right.
void Commands::refuse_login(const Command&, Doc&, const std::optional<WireFault>&) {
  throw WriteError{18, "Authentication failed."};
}

} // namespace panier::support::wire
