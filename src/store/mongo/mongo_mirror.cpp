#include "store/mongo/mongo_mirror.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "store/mongo/calls.hpp"
#include "store/mongo/document.hpp"
#include "store/mongo/replies.hpp"
#include "store/mongo/requests.hpp"
#include "store/mongo/target.hpp"

namespace panier::store::mongo {

using cart::CartId;
using cart::UserId;
using cart::Version;
using commit::IndexState;
using commit::MirrorDoc;
using commit::MirrorWrite;
using commit::Took;

class MongoMirrorStore::Core {
public:
  Core(Target target, const Settings& settings)
      : pool(std::make_shared<Pool>(std::move(target), settings.collection)),
        timeout(settings.timeout) {}

  // Threads that still wait for a server: joined when the store goes, for a mirror must not wait
  // for them.
  void adopt(std::vector<std::unique_ptr<Worker>> workers) {
    const std::lock_guard lock(mutex_);
    drop_finished(left_behind_);
    std::ranges::move(workers, std::back_inserter(left_behind_));
  }

  const std::shared_ptr<Pool> pool;
  const std::chrono::milliseconds timeout;

private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> left_behind_; // guarded by mutex_
};

namespace {

// What a call's thread needs of a request, kept alive by both.
struct Request {
  Bson bson;
  std::size_t entries = 0;
};

} // namespace

class MongoMirrorStore::Mirror final : public commit::Mirror {
public:
  explicit Mirror(std::shared_ptr<Core> core)
      : core_(std::move(core)), calls_(core_->pool, core_->timeout) {}
  ~Mirror() override { core_->adopt(calls_.release()); }

  Result<std::vector<Took>> write(std::span<const MirrorWrite> writes, Timeout timeout) override {
    if (writes.empty()) return std::vector<Took>{};
    auto request = fresh_request();
    request->entries = writes.size();
    append_update(request->bson.get(), collection(), writes);
    append_write_concern(request->bson.get(), wtimeout(std::min(timeout, core_->timeout)));
    return calls_.run<std::vector<Took>>(
        timeout, [request](Session& session, Ticket& ticket) -> Result<std::vector<Took>> {
          Bson reply;
          if (auto sent = session.command(request->bson.get(), reply, ticket); !sent)
            return std::unexpected(std::move(sent.error()));
          return update_reply(reply.get(), request->entries);
        });
  }

  Result<std::vector<MirrorDoc>> find(std::span<const UserId> users, Timeout timeout) override {
    if (users.empty()) return std::vector<MirrorDoc>{};
    auto request = fresh_request();
    append_users(request->bson.get(), users);
    // Without the unique index a user may have several.
    request->entries = users.size() + same_user_max;
    return calls_.run<std::vector<MirrorDoc>>(
        timeout, [request](Session& session, Ticket& ticket) -> Result<std::vector<MirrorDoc>> {
          auto found = mongo::find(session, ticket, request->bson.get(),
                                   static_cast<std::int64_t>(request->entries));
          if (!found) return std::unexpected(std::move(found.error()));
          return std::move(found->docs);
        });
  }

  Result<void> ping(Timeout timeout) override {
    return calls_.run<void>(timeout, [pool = core_->pool](Session& session, Ticket& ticket) {
      return mongo::ping(session, ticket, pool->collection());
    });
  }

  Result<IndexState> ensure_index(bool build, Timeout timeout) override {
    return calls_.run<IndexState>(
        timeout,
        [pool = core_->pool, build](Session& session, Ticket& ticket) -> Result<IndexState> {
          const Result<bool> present = has_index(session, ticket, pool->collection());
          if (!present) return std::unexpected(present.error());
          if (*present) return IndexState::present;
          return build ? build_index(session, ticket, pool->collection()) : IndexState::missing;
        });
  }

  Result<bool> purge(const UserId& user, Version version, Timeout timeout) override {
    auto request = fresh_request();
    append_text(request->bson.get(), "user_id", user.text());
    BSON_APPEND_INT64(request->bson.get(), "version", version);
    return calls_.run<bool>(
        timeout,
        [pool = core_->pool, request, user](Session& session, Ticket& ticket) -> Result<bool> {
          const auto gone = delete_one(session, ticket, pool->collection(), request->bson.get());
          if (!gone) return std::unexpected(gone.error());
          if (*gone > 0) return true;
          Bson same_user;
          append_text(same_user.get(), "user_id", user.text());
          const Result<Found> others = mongo::find(session, ticket, same_user.get(), 1);
          if (!others) return std::unexpected(others.error());
          return others->seen == 0;
        });
  }

  Result<void> remove(const CartId& id, Timeout timeout) override {
    auto request = fresh_request();
    append_id(request->bson.get(), id);
    return calls_.run<void>(
        timeout, [pool = core_->pool, request](Session& session, Ticket& ticket) -> Result<void> {
          const auto gone = delete_one(session, ticket, pool->collection(), request->bson.get());
          if (!gone) return std::unexpected(gone.error());
          return {};
        });
  }

  Result<void> clear_way(const UserId& user, const CartId& id, Timeout timeout) override {
    return calls_.run<void>(timeout,
                            [pool = core_->pool, user, id](Session& session, Ticket& ticket) {
                              return clear_strangers(session, ticket, pool->collection(), user, id);
                            });
  }

  Result<Page> scan(const std::optional<UserId>& after, int limit, Timeout timeout) override {
    std::optional<std::string> from;
    if (after) from = after->text();
    return calls_.run<Page>(
        timeout, [pool = core_->pool, from, limit](Session& session, Ticket& ticket) {
          return scan_page(session, ticket, pool->collection(), from, std::max(limit, 1));
        });
  }

private:
  [[nodiscard]] const std::string& collection() const { return core_->pool->collection(); }

  // The last request's buffer again, unless a call that was given up still reads it.
  std::shared_ptr<Request> fresh_request() {
    if (!request_ || request_.use_count() > 1) request_ = std::make_shared<Request>();
    bson_reinit(request_->bson.get());
    return request_;
  }

  const std::shared_ptr<Core> core_;
  // Of the one thread that uses this mirror.
  Calls calls_;
  std::shared_ptr<Request> request_;
};

Result<void> validate(const Settings& settings) {
  if (auto target = make_target(settings); !target)
    return std::unexpected(std::move(target.error()));
  return {};
}

Result<std::unique_ptr<MongoMirrorStore>> MongoMirrorStore::make(const Settings& settings) {
  Result<Target> target = make_target(settings);
  if (!target) return std::unexpected(std::move(target.error()));
  auto core = std::make_shared<Core>(std::move(*target), settings);
  return std::unique_ptr<MongoMirrorStore>(new MongoMirrorStore(std::move(core)));
}

MongoMirrorStore::MongoMirrorStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
MongoMirrorStore::~MongoMirrorStore() = default;

std::unique_ptr<commit::Mirror> MongoMirrorStore::connect() {
  return std::make_unique<Mirror>(core_);
}

} // namespace panier::store::mongo
