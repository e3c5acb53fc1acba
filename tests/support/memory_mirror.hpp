// A mirror in memory: documents by _id, a unique index that can be missing, guarded writes one
// atomic step each. A test may lose answers, hold packets back, and put words into its mouth.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "commit/ports/mirror.hpp"
#include "support/memory_faults.hpp"

namespace panier::test {

enum class MirrorCall : std::uint8_t { write, find, ping, ensure_index, purge, remove, scan };

class MemoryMirrorStore final : public commit::MirrorStore {
public:
  // By _id.
  using Documents = std::map<commit::CartId, commit::MirrorDoc>;
  // What the mirror says of one write, and whether it does it all the same.
  struct Verdict {
    commit::Took took = commit::Took::unknown;
    bool effect = false;
  };

  explicit MemoryMirrorStore(bool indexed = true) : indexed_(indexed) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "memory_mirror"; }
  [[nodiscard]] std::unique_ptr<commit::Mirror> connect() override;

  // --- for tests ---
  Faults<MirrorCall> faults;
  [[nodiscard]] Documents documents() const;
  // Without a copy, for a test whose only thread is here.
  [[nodiscard]] const Documents& seen() const { return documents_; }
  // The one document of this user; nullopt: none, or several.
  [[nodiscard]] std::optional<commit::MirrorDoc> document(const commit::UserId& user) const;
  // A hand edit.
  void edit(const std::function<void(Documents&)>& change);
  void drop_index();
  // Asked for every write of a bulk; nullopt: the truth.
  void judge(std::function<std::optional<Verdict>(const commit::MirrorWrite&)> verdict);
  // Bulks that hang (Fault::hanging) arrive now; `again`: and will once more.
  void deliver_late(bool again = false);

private:
  class Client;
  // With mutex_ held.
  [[nodiscard]] commit::Took apply(const commit::MirrorWrite& write);
  [[nodiscard]] commit::Took take(const commit::MirrorWrite& write);
  [[nodiscard]] bool duplicates() const;

  mutable std::mutex mutex_;
  // guarded by mutex_:
  bool indexed_;
  Documents documents_;
  std::function<std::optional<Verdict>(const commit::MirrorWrite&)> verdict_;
  std::vector<commit::MirrorWrite> late_;
};

} // namespace panier::test
