// What the wire double keeps: collections of documents, with MongoDB's rules for _id, for the
// unique index on user_id and for guarded upserts. Not thread-safe: its owner's one lock makes
// every statement one atomic step, as each is on a real server.
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/wire_bson.hpp"

namespace panier::support::wire {

struct WriteError {
  int code = 0;
  std::string message;
};

class Collection {
public:
  explicit Collection(std::string name) : name_(std::move(name)) {}

  struct Updated {
    std::int64_t matched = 0;
    std::optional<std::string> upserted; // the new document
  };
  // One statement; throws WriteError (11000: a duplicate _id or user_id) or BadQuery, and has
  // changed nothing then.
  Updated update(const bson_t* query, const bson_t* change, bool multi, bool upsert);
  void insert(std::string document);
  // How many went; limit 0: all that match.
  std::int64_t remove(const bson_t* query, std::int64_t limit);
  // Copies, in `sort` order. limit 0: all.
  [[nodiscard]] std::vector<std::string> find(const bson_t* filter, const bson_t* sort,
                                              std::int64_t skip, std::int64_t limit) const;

  // WriteError 11000 if two documents share a user_id.
  void create_user_index(bool unique);
  void drop_user_index() { user_index_ = unique_user_ = false; }
  [[nodiscard]] bool has_user_index() const { return user_index_; }
  [[nodiscard]] bool unique_user() const { return unique_user_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }
  // As listCollections sees it: a read alone makes no collection.
  void create() { created_ = true; }
  [[nodiscard]] bool exists() const { return created_ || user_index_ || next_ > 1; }

private:
  using Seq = std::uint64_t; // order of insertion
  struct Document {
    mutable std::string bytes; // an update that keeps the two below leaves every index as it is
    std::string id;            // value_key() of its _id
    std::optional<std::string> user; // where its user_id is a text
  };
  using Documents = std::map<Seq, Document>;
  using Entry = Documents::value_type; // stays where it is
  using Entries = std::vector<const Entry*>;

  void add(std::string document);
  void replace(const Entry& entry, std::string document);
  void erase(const Entry& entry);
  [[nodiscard]] std::span<const Entry* const> of_user(std::string_view user) const;
  void check_unique(const Document& document, const Entry* self) const;
  // Every document that could match, until `visit` says no: few where an index helps, and in
  // user_id order if that is asked for and all have a text there.
  using Visit = std::function<bool(const Entry&)>;
  void each_candidate(const bson_t* filter, bool by_user, const Visit& visit) const;
  [[nodiscard]] Entries matching(const bson_t* filter, bool by_user, std::int64_t limit) const;

  std::string name_; // database.collection
  Seq next_ = 1;
  Documents documents_;
  // The keys are views into documents_. Those whose user_id is a text stand in both of the last
  // two: one for ranges, one because a lookup in a tree of a million texts is what a write costs.
  std::unordered_map<std::string_view, const Entry*> by_id_;
  std::multimap<std::string_view, const Entry*> by_user_;
  using Namesakes = boost::container::small_vector<const Entry*, 1>; // the first one's is the key
  boost::unordered_flat_map<std::string_view, Namesakes, std::hash<std::string_view>> of_user_;
  bool user_index_ = false;
  bool unique_user_ = false;
  bool created_ = false;
};

} // namespace panier::support::wire
