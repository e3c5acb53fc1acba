// What a MongoDB server would store of a write: the guarded update, carried out on nothing.
#pragma once

#include <memory>
#include <span>

#include "fuzz.hpp"
#include "store/mongo/document.hpp"

namespace panier::fuzz {

inline bson_iter_t step_into(const bson_t* document, const char* path) {
  bson_iter_t at, found;
  const bool there = bson_iter_init(&at, document) && bson_iter_find_descendant(&at, path, &found);
  promise(there, "our own update has this field", path);
  return found;
}

inline void copy_fields(const bson_t* command, const char* path, bson_t* to) {
  const bson_iter_t parent = step_into(command, path);
  bson_iter_t field;
  promise(bson_iter_recurse(&parent, &field), "our own update holds a document here", path);
  while (bson_iter_next(&field))
    bson_append_iter(to, bson_iter_key(&field), -1, &field);
}

// {_id, user_id, ..}, as an upsert of `write` leaves it behind, read again.
inline store::mongo::Decoded stored_and_read(const commit::MirrorWrite& write) {
  store::mongo::Bson command, stored;
  store::mongo::append_update(command.get(), "panier", std::span(&write, 1));
  promise(bson_validate(command.get(), BSON_VALIDATE_UTF8, nullptr), "our own update is BSON");
  copy_fields(command.get(), "updates.0.u.$setOnInsert", stored.get());
  const bson_iter_t user = step_into(command.get(), "updates.0.q.user_id");
  bson_append_iter(stored.get(), "user_id", -1, &user);
  copy_fields(command.get(), "updates.0.u.$set", stored.get());
  return {{}, store::mongo::decode(*stored.get()).doc}; // raw_user would outlive what it views
}

} // namespace panier::fuzz
