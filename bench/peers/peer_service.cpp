#include "peer_service.hpp"

namespace panier::bench {
namespace {

std::unexpected<Error> overloaded() {
  return fail(Errc::overloaded, "the pool's queue is full");
}

} // namespace

void PeerService::write(commit::WriteRequest request, commit::WriteDone done) {
  if (request.idempotency) return done(fail(Errc::not_implemented, "a peer keeps no keys"));
  writers_.submit(
      [operation = std::move(request.operation), done = std::move(done)](Store* store) mutable {
        done(store ? store->write(operation) : overloaded());
      });
}

void PeerService::read(commit::UserId user, service::ShownDone done) {
  readers_.submit([user = std::move(user), done = std::move(done)](Store* store) mutable {
    auto view = store ? store->read(user) : overloaded();
    if (!view) return done(std::unexpected(std::move(view).error()));
    done(service::ShownCart{.view = *std::move(view), .findings = std::nullopt});
  });
}

} // namespace panier::bench
