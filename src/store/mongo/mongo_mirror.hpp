// The mirror in MongoDB, through libmongoc; no driver header is included here.
//
// Document: {_id: ObjectId, user_id, id_maria, articles: [{article_id, quantite: double}], version:
// int64, token: 32 hex digits, updated_at: date, deleted_at?: date}; unique index user_id_1.
//
// Every call runs on a thread of the adapter's, so it ends at its own timeout whatever the driver
// does (name resolution and connecting included), and what was not sent by then is never sent.
// libmongoc reads and writes at most Settings::timeout, so a call given up ends by itself soon
// after.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "commit/ports/mirror.hpp"
#include "result/result.hpp"

namespace panier::store::mongo {

inline constexpr std::chrono::milliseconds timeout_max{60'000};

struct Settings {
  std::string uri; // MONGO_URI_PANIERS; a secret: never printed, not even in an error
  std::string database = "Paniers"; // where the URI names none
  std::string collection = "panier";
  // PANIER_MIRROR_TIMEOUT_MS, 1 ms to timeout_max. Bounds each step of the driver's; a call's own
  // timeout is cut to it.
  std::chrono::milliseconds timeout{2000};
};

// What `panier serve` checks before it starts: Errc::config_invalid, Error::field names the
// setting. Asks no server and resolves no name.
[[nodiscard]] Result<void> validate(const Settings& settings);

// Thread-safe. Connects at the first call of a mirror, and again whenever that is needed. Outlives
// its mirrors; its destructor waits for calls that were given up, at most a few Settings::timeout.
class MongoMirrorStore final : public commit::MirrorStore {
public:
  [[nodiscard]] static Result<std::unique_ptr<MongoMirrorStore>> make(const Settings& settings);
  ~MongoMirrorStore() override;
  MongoMirrorStore(const MongoMirrorStore&) = delete;
  MongoMirrorStore& operator=(const MongoMirrorStore&) = delete;

  [[nodiscard]] std::string_view name() const noexcept override { return "mongodb"; }
  [[nodiscard]] std::unique_ptr<commit::Mirror> connect() override;

private:
  class Core;
  class Mirror;
  explicit MongoMirrorStore(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_; // set once
};

} // namespace panier::store::mongo
