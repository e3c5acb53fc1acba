// One deleter for each libmongoc and libbson handle that we own: no _destroy or _free stands
// anywhere else.
#pragma once

#include <memory>

#include <mongoc/mongoc.h>

namespace panier::store::mongo {

template <auto release>
struct Deleter {
  void operator()(auto* handle) const noexcept { release(handle); }
};

using UriPtr = std::unique_ptr<mongoc_uri_t, Deleter<mongoc_uri_destroy>>;
// Blocks while it says goodbye to a server that does not answer (socketTimeoutMS): destroy it off
// the lane.
using PoolPtr = std::unique_ptr<mongoc_client_pool_t, Deleter<mongoc_client_pool_destroy>>;
using CollectionPtr = std::unique_ptr<mongoc_collection_t, Deleter<mongoc_collection_destroy>>;
using CursorPtr = std::unique_ptr<mongoc_cursor_t, Deleter<mongoc_cursor_destroy>>;
using ReadConcernPtr = std::unique_ptr<mongoc_read_concern_t, Deleter<mongoc_read_concern_destroy>>;
using ReadPrefsPtr = std::unique_ptr<mongoc_read_prefs_t, Deleter<mongoc_read_prefs_destroy>>;
using WriteConcernPtr =
    std::unique_ptr<mongoc_write_concern_t, Deleter<mongoc_write_concern_destroy>>;
using JsonPtr = std::unique_ptr<char, Deleter<bson_free>>;
using ServerPtr =
    std::unique_ptr<mongoc_server_description_t, Deleter<mongoc_server_description_destroy>>;

// A client on loan from its pool; goes back when dropped. libmongoc has closed the socket of a
// client whose call failed or timed out, so what goes back never carries half an answer.
class ClientLoan {
public:
  explicit ClientLoan(std::shared_ptr<mongoc_client_pool_t> pool)
      : pool_(std::move(pool)), client_(mongoc_client_pool_pop(pool_.get())) {}
  ~ClientLoan() {
    if (client_ != nullptr) mongoc_client_pool_push(pool_.get(), client_);
  }
  ClientLoan(const ClientLoan&) = delete;
  ClientLoan& operator=(const ClientLoan&) = delete;

  // nullptr: every client of the pool is on loan, and none came back within waitQueueTimeoutMS.
  [[nodiscard]] mongoc_client_t* get() const { return client_; }

private:
  std::shared_ptr<mongoc_client_pool_t> pool_;
  mongoc_client_t* client_;
};

// A bson_t on the stack or in an object (libbson wants it to stay where it is).
class Bson {
public:
  Bson() { bson_init(&bson_); }
  ~Bson() { bson_destroy(&bson_); }
  Bson(const Bson&) = delete;
  Bson& operator=(const Bson&) = delete;

  [[nodiscard]] bson_t* get() { return &bson_; }
  [[nodiscard]] const bson_t* get() const { return &bson_; }
  // For calls that initialise what they are given.
  [[nodiscard]] bson_t* reset() {
    bson_destroy(&bson_);
    return &bson_;
  }

private:
  bson_t bson_;
};

} // namespace panier::store::mongo
