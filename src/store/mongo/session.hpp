// One client of the pool, and how a request gets to the primary through it. A Session belongs to
// one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "result/result.hpp"
#include "runtime/clock.hpp"
#include "store/mongo/handles.hpp"
#include "store/mongo/target.hpp"

namespace panier::store::mongo {

// The pool of one store. Made at the first call and not before: a mongodb+srv:// name is resolved
// while it is made, which may take its time, and may fail today and work tomorrow. Thread-safe.
class Pool {
public:
  Pool(Target target, std::string collection)
      : target_(std::move(target)), collection_(std::move(collection)) {}

  [[nodiscard]] Result<std::shared_ptr<mongoc_client_pool_t>> get();
  [[nodiscard]] const Target& target() const { return target_; }
  [[nodiscard]] const std::string& collection() const { return collection_; }

private:
  const Target target_;
  const std::string collection_;
  std::mutex mutex_;
  std::shared_ptr<mongoc_client_pool_t> pool_; // guarded by mutex_
};

// Agrees between a caller and the thread that works for it: either the caller has left, or the
// request is sent. So nothing is sent for a caller that is told so, however late the connection
// comes about.
class Ticket {
public:
  explicit Ticket(runtime::SteadyTime deadline) : deadline_(deadline) {}

  // The thread, before each send; false: the caller has left.
  [[nodiscard]] bool may_send();
  // The thread, when the send broke and it would like to send again on a new connection.
  [[nodiscard]] bool may_repeat();
  // The caller leaves. True: something was sent, so it may have an effect.
  [[nodiscard]] bool leave();
  // At least 1 ms: 0 means "no limit" to MongoDB.
  [[nodiscard]] std::chrono::milliseconds left() const;

private:
  enum class Phase : std::uint8_t { preparing, sent, preparing_again, left };
  const runtime::SteadyTime deadline_;
  std::mutex mutex_;
  Phase phase_ = Phase::preparing; // guarded by mutex_
};

class Session {
public:
  explicit Session(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}

  // Runs a command as it stands on the primary. `reply` is the server's answer, which may carry
  // writeErrors or a writeConcernError; an answer with ok: 0 is an error.
  // `database`: another one than the target's.
  [[nodiscard]] Result<void> command(const bson_t* command, Bson& reply, Ticket& ticket,
                                     const char* database = nullptr);

  // Takes what a read brings. (A class, because a std::function would lose bson_t's alignment.)
  class Reader {
  public:
    virtual ~Reader() = default;
    // Before the first document; and again, if the read is sent twice.
    virtual void start() = 0;
    // The document lives during the call.
    virtual void document(const bson_t& document) = 0;
  };
  // A read with readConcern majority, from the primary.
  [[nodiscard]] Result<void> find(const bson_t* filter, const bson_t* opts, Reader& reader,
                                  Ticket& ticket);

private:
  // What one send brought: an answer of the server's, or a failure of the connection's.
  enum class Sent : std::uint8_t { answered, failed };

  // The primary, connected and authenticated, so that nothing but the request is left to do.
  [[nodiscard]] Result<std::uint32_t> reach();
  // request(server, error) -> Sent
  template <class Request>
  [[nodiscard]] Result<void> send(const Request& request, Ticket& ticket);
  [[nodiscard]] Error redacted(Error error) const;

  const std::shared_ptr<Pool> pool_;
  // Of the thread that uses this; the collection goes before its client.
  std::optional<ClientLoan> client_;
  CollectionPtr collection_;
  bool answered_before_ = false; // on the connection that we have
};

} // namespace panier::store::mongo
