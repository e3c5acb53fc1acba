#include "support/memory_mirror.hpp"

#include <algorithm>
#include <set>

namespace panier::test {

using commit::CartId;
using commit::IndexState;
using commit::MirrorDoc;
using commit::MirrorWrite;
using commit::Took;
using commit::UserId;

class MemoryMirrorStore::Client final : public commit::Mirror {
public:
  explicit Client(MemoryMirrorStore& store) : store_(store) {}

  Result<std::vector<Took>> write(std::span<const MirrorWrite> writes, Timeout) override {
    const auto fault = store_.faults.begin(MirrorCall::write);
    if (fault && fault->hanging) {
      std::lock_guard lock(store_.mutex_);
      store_.late_.insert(store_.late_.end(), writes.begin(), writes.end());
    }
    if (fault && !fault->effect) return std::unexpected(fault->error);
    std::vector<Took> took;
    for (const auto& write : writes) { // each a step of its own
      {
        std::lock_guard lock(store_.mutex_);
        took.push_back(store_.take(write));
      }
      store_.faults.pause(MirrorCall::write);
    }
    if (fault) return std::unexpected(fault->error);
    return took;
  }

  Result<std::vector<MirrorDoc>> find(std::span<const UserId> users, Timeout) override {
    return call(MirrorCall::find, [&]() -> Result<std::vector<MirrorDoc>> {
      const std::set<UserId> wanted(users.begin(), users.end());
      std::vector<MirrorDoc> docs;
      for (const auto& [id, doc] : store_.documents_) {
        if (wanted.contains(doc.user)) docs.push_back(doc);
      }
      return docs;
    });
  }

  Result<void> ping(Timeout) override {
    return call(MirrorCall::ping, []() -> Result<void> { return {}; });
  }

  Result<IndexState> ensure_index(bool build, Timeout) override {
    return call(MirrorCall::ensure_index, [&]() -> Result<IndexState> {
      if (store_.indexed_) return IndexState::present;
      if (!build || store_.duplicates()) return IndexState::missing;
      store_.indexed_ = true;
      return IndexState::built;
    });
  }

  Result<bool> purge(const UserId& user, commit::Version version, Timeout) override {
    return call(MirrorCall::purge, [&]() -> Result<bool> {
      auto& docs = store_.documents_;
      std::erase_if(docs, [&](const auto& doc) {
        return doc.second.user == user && doc.second.version == version;
      });
      return std::ranges::none_of(docs, [&](const auto& doc) { return doc.second.user == user; });
    });
  }

  Result<void> remove(const CartId& id, Timeout) override {
    return call(MirrorCall::remove, [&]() -> Result<void> {
      store_.documents_.erase(id);
      return {};
    });
  }

  Result<void> clear_way(const UserId& user, const CartId& id, Timeout) override {
    return call(MirrorCall::remove, [&]() -> Result<void> {
      std::erase_if(store_.documents_, [&](const auto& stored) {
        return (stored.first == id) != (stored.second.user == user);
      });
      return {};
    });
  }

  Result<Page> scan(const std::optional<UserId>& after, int limit, Timeout) override {
    return call(MirrorCall::scan, [&]() -> Result<Page> {
      std::vector<MirrorDoc> docs;
      for (const auto& [id, doc] : store_.documents_) {
        if (!after || doc.user > *after) docs.push_back(doc);
      }
      std::ranges::stable_sort(docs, {}, &MirrorDoc::user);
      Page page;
      // The documents of one user are never torn apart, or the page after would leave some out.
      for (auto& doc : docs) {
        const bool same_user = !page.docs.empty() && page.docs.back().user == doc.user;
        if (page.docs.size() >= static_cast<std::size_t>(limit) && !same_user) {
          page.next = page.docs.back().user;
          break;
        }
        page.docs.push_back(std::move(doc));
      }
      return page;
    });
  }

private:
  template <class Work>
  std::invoke_result_t<Work> call(MirrorCall what, Work work) {
    const auto fault = store_.faults.begin(what);
    if (fault && !fault->effect) return std::unexpected(fault->error);
    auto result = [&] {
      std::lock_guard lock(store_.mutex_);
      return work();
    }();
    store_.faults.pause(what);
    if (fault) return std::unexpected(fault->error);
    return result;
  }

  MemoryMirrorStore& store_;
};

std::unique_ptr<commit::Mirror> MemoryMirrorStore::connect() {
  return std::make_unique<Client>(*this);
}

MemoryMirrorStore::Documents MemoryMirrorStore::documents() const {
  std::lock_guard lock(mutex_);
  return documents_;
}

std::optional<MirrorDoc> MemoryMirrorStore::document(const UserId& user) const {
  std::lock_guard lock(mutex_);
  std::optional<MirrorDoc> found;
  for (const auto& [id, doc] : documents_) {
    if (doc.user != user) continue;
    if (found) return std::nullopt;
    found = doc;
  }
  return found;
}

void MemoryMirrorStore::edit(const std::function<void(Documents&)>& change) {
  std::lock_guard lock(mutex_);
  change(documents_);
}

void MemoryMirrorStore::drop_index() {
  std::lock_guard lock(mutex_);
  indexed_ = false;
}

void MemoryMirrorStore::judge(std::function<std::optional<Verdict>(const MirrorWrite&)> verdict) {
  std::lock_guard lock(mutex_);
  verdict_ = std::move(verdict);
}

void MemoryMirrorStore::deliver_late(bool again) {
  std::lock_guard lock(mutex_);
  for (const auto& write : late_)
    (void)apply(write);
  if (!again) late_.clear();
}

Took MemoryMirrorStore::take(const MirrorWrite& write) {
  const auto verdict = verdict_ ? verdict_(write) : std::nullopt;
  if (!verdict) return apply(write);
  if (verdict->effect) (void)apply(write);
  return verdict->took;
}

// update {user_id, version: {$not: {$gte: n}}} with upsert, as MongoDB does it.
Took MemoryMirrorStore::apply(const MirrorWrite& write) {
  MirrorDoc* older = nullptr;
  bool known = false;
  for (auto& [id, doc] : documents_) {
    if (doc.user != write.user) continue;
    known = true;
    if (doc.version < write.cart.version) older = &doc;
  }
  if (!older) {
    if ((known && indexed_) || documents_.contains(write.cart.id)) return Took::refused;
    MirrorDoc fresh{write.cart.id, write.user, 0, {}, 0, true, true, {}};
    older = &documents_.emplace(write.cart.id, std::move(fresh)).first->second;
  }
  older->version = write.cart.version;
  older->token = write.token;
  older->id_maria = write.id_maria;
  older->exists = write.cart.exists;
  older->readable = true;
  older->lines = write.cart.lines;
  return Took::held;
}

bool MemoryMirrorStore::duplicates() const {
  std::set<UserId> users;
  return std::ranges::any_of(
      documents_, [&](const auto& doc) { return !users.insert(doc.second.user).second; });
}

} // namespace panier::test
