// Copies a file's log back into it in the background, so that writers need not. SQLite's log starts
// again only when all of it is copied and nobody writes, so the last pages are a writer's own.
// Private to this room.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

namespace panier::store::sqlite {

class Connection;

// Thread-safe.
class Checkpointer {
public:
  // Opens nothing and starts nothing yet.
  explicit Checkpointer(std::filesystem::path file);
  // Waits for the copy that is under way: at most the log's longest, 64 MiB.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // A writer has a new connection, maybe to a new file of that name: the copies are made from a new
  // one too. Starts the thread if it is the first.
  void attach();
  // For who has just committed and left a log of so many pages. True: so few of them are left that
  // it should copy them itself, before the next one writes; else a copy is asked for.
  [[nodiscard]] bool nearly_done(int pages);

private:
  void run(const std::stop_token& stop);
  void copy();

  const std::filesystem::path file_;
  std::atomic<int> copied_{0}; // pages, of the log as the last copy found it; a hint, no promise
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool wanted_ = false; // guarded by mutex_, like the next
  bool reopen_ = false;
  std::unique_ptr<Connection> connection_; // the thread's alone
  std::jthread thread_;                    // last: it uses all of the above
};

} // namespace panier::store::sqlite
