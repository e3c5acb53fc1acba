#include "store/mongo/session.hpp"

#include <algorithm>
#include <utility>

#include "store/mongo/errors.hpp"

namespace panier::store::mongo {
namespace {

// A connection that broke over night is found out by the first request on it, which is then sent
// once more.
constexpr int sends_max = 2;

// Did the server answer at all? libmongoc leaves the reply empty (or with its own labels only) when
// it did not.
bool is_answer(const bson_t* reply) {
  return bson_has_field(reply, "ok");
}

bool is_ok(const bson_t* reply) {
  bson_iter_t ok;
  return bson_iter_init_find(&ok, reply, "ok") && bson_iter_as_bool(&ok);
}

Error refusal(const bson_t* reply) {
  bson_iter_t at;
  const bool coded = bson_iter_init_find(&at, reply, "code");
  const auto code = coded ? static_cast<std::int32_t>(bson_iter_as_int64(&at)) : 0;
  const bool told = bson_iter_init_find(&at, reply, "errmsg") && BSON_ITER_HOLDS_UTF8(&at);
  return server_error(code, told ? bson_iter_utf8(&at, nullptr) : "refused without a word");
}

} // namespace

Result<std::shared_ptr<mongoc_client_pool_t>> Pool::get() {
  const std::lock_guard lock(mutex_);
  if (pool_) return pool_;
  bson_error_t error{};
  PoolPtr pool(mongoc_client_pool_new_with_error(target_.uri.get(), &error));
  if (!pool) return std::unexpected(to_error(error, false));
  // Version 2: a server's own codes come in a domain of their own, instead of one shared with the
  // driver's.
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  pool_ = std::move(pool);
  return pool_;
}

bool Ticket::may_send() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::left || std::chrono::steady_clock::now() >= deadline_) return false;
  phase_ = Phase::sent;
  return true;
}

bool Ticket::may_repeat() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::sent) return false;
  phase_ = Phase::preparing_again;
  return true;
}

bool Ticket::leave() {
  const std::lock_guard lock(mutex_);
  return std::exchange(phase_, Phase::left) != Phase::preparing;
}

std::chrono::milliseconds Ticket::left() const {
  const auto left = deadline_ - std::chrono::steady_clock::now();
  return std::max(std::chrono::floor<std::chrono::milliseconds>(left),
                  std::chrono::milliseconds(1));
}

Error Session::redacted(Error error) const {
  error.detail = redact(pool_->target(), std::move(error.detail));
  return error;
}

Result<std::uint32_t> Session::reach() {
  if (!client_ || client_->get() == nullptr) {
    auto pool = pool_->get();
    if (!pool) return std::unexpected(pool.error());
    client_.emplace(std::move(*pool));
    if (client_->get() == nullptr)
      return fail(Errc::store_unreachable, "every connection of the pool is in use");
    collection_.reset(mongoc_client_get_collection(client_->get(), pool_->target().database.c_str(),
                                                   pool_->collection().c_str()));
  }
  bson_error_t error{};
  const ServerPtr primary(mongoc_client_select_server(client_->get(), true, nullptr, &error));
  if (!primary) return std::unexpected(to_error(error, false));
  const std::uint32_t server = mongoc_server_description_id(primary.get());
  const ServerPtr connected(
      mongoc_client_get_handshake_description(client_->get(), server, nullptr, &error));
  if (!connected) return std::unexpected(to_error(error, false));
  return server;
}

template <class Request>
Result<void> Session::send(const Request& request, Ticket& ticket) {
  for (int sends = 1;; ++sends) {
    const Result<std::uint32_t> server = reach();
    if (!server) {
      answered_before_ = false;
      Error error = redacted(server.error());
      // The first send may have had an effect, whatever became of the second.
      if (sends > 1 && error.code == Errc::store_unreachable) error.code = Errc::store_timeout;
      return std::unexpected(std::move(error));
    }
    if (!ticket.may_send())
      return fail(sends > 1 ? Errc::store_timeout : Errc::store_unreachable,
                  "no time left to send");
    const auto sent_at = std::chrono::steady_clock::now();
    bson_error_t error{};
    if (request(*server, error) == Sent::answered) {
      answered_before_ = true;
      return {};
    }
    // A connection that was dead already says so long before silence would end.
    const bool silent =
        std::chrono::steady_clock::now() - sent_at >= pool_->target().socket_timeout / 2;
    const bool idle_connection = std::exchange(answered_before_, false) && broken_wire(error);
    if (!idle_connection || silent || sends == sends_max || !ticket.may_repeat())
      return std::unexpected(redacted(to_error(error, true)));
  }
}

Result<void> Session::command(const bson_t* command, Bson& reply, Ticket& ticket,
                              const char* database) {
  if (database == nullptr) database = pool_->target().database.c_str();
  const auto request = [&](std::uint32_t server, bson_error_t& error) {
    const bool ok = mongoc_client_command_simple_with_server_id(
        client_->get(), database, command, nullptr, server, reply.reset(), &error);
    return ok || is_answer(reply.get()) ? Sent::answered : Sent::failed;
  };
  if (auto sent = send(request, ticket); !sent) return sent;
  if (!is_ok(reply.get())) return std::unexpected(redacted(refusal(reply.get())));
  return {};
}

Result<void> Session::find(const bson_t* filter, const bson_t* opts, Reader& reader,
                           Ticket& ticket) {
  std::optional<Error> refused;
  const auto request = [&](std::uint32_t, bson_error_t& error) {
    reader.start();
    const CursorPtr cursor(
        mongoc_collection_find_with_opts(collection_.get(), filter, opts, nullptr));
    const bson_t* document = nullptr;
    while (mongoc_cursor_next(cursor.get(), &document))
      reader.document(*document);
    const bson_t* reply = nullptr;
    if (!mongoc_cursor_error_document(cursor.get(), &error, &reply)) return Sent::answered;
    if (reply == nullptr || !is_answer(reply)) return Sent::failed;
    refused = refusal(reply);
    return Sent::answered;
  };
  if (auto sent = send(request, ticket); !sent) return sent;
  if (refused) return std::unexpected(redacted(std::move(*refused)));
  return {};
}

} // namespace panier::store::mongo
