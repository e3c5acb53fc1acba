// Commands on whole collections and their indexes.
#include "support/wire_commands.hpp"

namespace panier::support::wire {

void Commands::create_indexes(const Command& command, Doc&, const std::optional<WireFault>&) {
  for (const std::string_view index : command.documents("indexes")) {
    const View wanted(index);
    const View key(or_empty(embedded(wanted.get(), "key")));
    if (!bson_has_field(key.get(), "user_id") || bson_count_keys(key.get()) != 1)
      throw WriteError{2, "only {user_id: 1} is known here"};
    Collection& of = collection_of(command);
    const bool unique = flag(wanted.get(), "unique");
    if (of.has_user_index() && of.unique_user() != unique)
      throw WriteError{85, "an index of that name exists with other options"};
    of.create_user_index(unique);
  }
}

void Commands::list_indexes(const Command& command, Doc& reply, const std::optional<WireFault>&) {
  const std::string space =
      command.database() + "." + text(View(command.body).get(), "listIndexes");
  const auto at = collections_.find(space);
  if (at == collections_.end()) throw WriteError{26, "ns does not exist: " + space};
  std::vector<std::string> indexes;
  const auto add = [&](const char* field_name, const char* name, bool unique) {
    Doc index;
    bson_t key;
    BSON_APPEND_INT32(index.get(), "v", 2);
    BSON_APPEND_DOCUMENT_BEGIN(index.get(), "key", &key);
    BSON_APPEND_INT32(&key, field_name, 1);
    bson_append_document_end(index.get(), &key);
    BSON_APPEND_UTF8(index.get(), "name", name);
    if (unique) BSON_APPEND_BOOL(index.get(), "unique", true);
    indexes.push_back(index.raw());
  };
  add("_id", "_id_", false);
  if (at->second.has_user_index()) add("user_id", "user_id_1", at->second.unique_user());
  append_batch(reply, space, "firstBatch", std::move(indexes), first_batch_default);
}

// Filters by the name alone.
void Commands::list_collections(const Command& command, Doc& reply,
                                const std::optional<WireFault>&) {
  const View filter(or_empty(embedded(View(command.body).get(), "filter")));
  const std::string wanted = text(filter.get(), "name");
  const std::string prefix = command.database() + ".";
  std::vector<std::string> found;
  for (const auto& [space, of] : collections_) {
    if (!of.exists() || !space.starts_with(prefix)) continue;
    const std::string name = space.substr(prefix.size());
    if (!wanted.empty() && name != wanted) continue;
    Doc entry;
    BSON_APPEND_UTF8(entry.get(), "name", name.c_str());
    BSON_APPEND_UTF8(entry.get(), "type", "collection");
    found.push_back(entry.raw());
  }
  append_batch(reply, prefix + "$cmd.listCollections", "firstBatch", std::move(found),
               first_batch_default);
}

void Commands::create(const Command& command, Doc&, const std::optional<WireFault>&) {
  Collection& made = collection_of(command);
  if (made.exists()) throw WriteError{48, "a collection of that name exists"};
  made.create();
}

void Commands::rename(const Command& command, Doc&, const std::optional<WireFault>&) {
  const View body(command.body);
  const std::string from = text(body.get(), "renameCollection");
  const std::string to = text(body.get(), "to");
  if (command.database() != "admin")
    throw WriteError{13, "renameCollection wants the admin database"};
  if (!collection(from).exists()) throw WriteError{26, "source namespace does not exist"};
  if (collection(to).exists()) throw WriteError{48, "target namespace exists"};
  collections_.erase(to);
  auto moved = collections_.extract(from);
  moved.key() = to;
  moved.mapped().rename(to);
  collections_.insert(std::move(moved));
}

void Commands::drop(const Command& command, Doc&, const std::optional<WireFault>&) {
  collections_.erase(collection_of(command).name());
}

} // namespace panier::support::wire
