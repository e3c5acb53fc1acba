// What the wire double answers to each command. Knows nothing of sockets.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/wire_double.hpp"
#include "support/wire_store.hpp"

namespace panier::support::wire {

// One command as it came: its document, and the document sequences of an OP_MSG. Views into the
// message.
struct Command {
  std::string name; // "update"
  std::string_view body;
  std::vector<std::pair<std::string, std::vector<std::string_view>>> sequences;

  [[nodiscard]] std::string database() const;
  // The documents of an array, wherever they stand.
  [[nodiscard]] std::vector<std::string_view> documents(const char* key) const;
};

inline constexpr std::int64_t first_batch_default = 101;

// Thread-safe: each statement is one atomic step.
class Commands {
public:
  explicit Commands(const WireDouble::Options& options) : options_(options) {}

  // `fault`: write_errors and write_concern_error are shown here; the others are the connection's
  // business.
  [[nodiscard]] std::string answer(const Command& command, const std::optional<WireFault>& fault,
                                   std::uint16_t port);

  // For hand edits: the collection Paniers.panier under the lock.
  template <class Use>
  auto with_panier(Use use) {
    const std::lock_guard lock(mutex_);
    return use(collection("Paniers.panier"));
  }

private:
  using Body = void (Commands::*)(const Command&, Doc& reply, const std::optional<WireFault>&);
  static Body body_of(std::string_view name);

  void update(const Command&, Doc&, const std::optional<WireFault>&);
  void insert(const Command&, Doc&, const std::optional<WireFault>&);
  void remove(const Command&, Doc&, const std::optional<WireFault>&);
  void find_and_modify(const Command&, Doc&, const std::optional<WireFault>&);
  void find(const Command&, Doc&, const std::optional<WireFault>&);
  void get_more(const Command&, Doc&, const std::optional<WireFault>&);
  void kill_cursors(const Command&, Doc&, const std::optional<WireFault>&);
  void count(const Command&, Doc&, const std::optional<WireFault>&);
  void create_indexes(const Command&, Doc&, const std::optional<WireFault>&);
  void list_indexes(const Command&, Doc&, const std::optional<WireFault>&);
  void list_collections(const Command&, Doc&, const std::optional<WireFault>&);
  void create(const Command&, Doc&, const std::optional<WireFault>&);
  void rename(const Command&, Doc&, const std::optional<WireFault>&);
  void drop(const Command&, Doc&, const std::optional<WireFault>&);
  void build_info(const Command&, Doc&, const std::optional<WireFault>&);
  void refuse_login(const Command&, Doc&, const std::optional<WireFault>&);
  void nothing(const Command&, Doc&, const std::optional<WireFault>&) {}

  void hello(const Command& command, Doc& reply, std::uint16_t port) const;
  void append_batch(Doc& reply, const std::string& space, const char* name,
                    std::vector<std::string> documents, std::int64_t wanted);
  Collection& collection(const std::string& space);
  Collection& collection_of(const Command& command);

  const WireDouble::Options options_;
  std::mutex mutex_;
  // guarded by mutex_
  std::map<std::string, Collection, std::less<>> collections_;
  std::map<std::int64_t, std::vector<std::string>> cursors_; // what is left of each
  std::int64_t next_cursor_ = 1;
};

} // namespace panier::support::wire
