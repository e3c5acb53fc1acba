// What `panier migrate` asks of MongoDB, step by step; which step comes when is src/migrate's
// business. Documents of the predecessor's travel as extended JSON, so that nothing of them is
// lost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "commit/ports/mirror.hpp"
#include "store/mongo/mongo_mirror.hpp"

namespace panier::store::mongo {

struct PredecessorDocument {
  std::string id;                     // 24 hex digits; empty: its _id is no ObjectId
  std::optional<std::string> user_id; // nullopt: it has none, or one that is no text
  std::uint32_t id_maria = 0;         // 0: it has none that could be one
  std::string json;                   // all of it, canonical extended JSON
};

// One thread's. Every call ends within Settings::timeout of the server's silence; a server that
// cannot be reached is told within reach_max.
class Takeover {
public:
  static constexpr std::chrono::milliseconds reach_max{5'000};

  [[nodiscard]] static Result<std::unique_ptr<Takeover>> make(const Settings& settings);
  ~Takeover();
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;

  [[nodiscard]] const std::string& database() const;
  [[nodiscard]] const std::string& collection() const; // of carts

  // Settings::collection holds the carts; its predecessor's documents are put away under put_away.
  [[nodiscard]] Result<bool> is_put_away();
  [[nodiscard]] Result<bool> has_carts(); // is there a collection of carts, whoever's?
  [[nodiscard]] Result<void> put_away_now();
  [[nodiscard]] Result<void> bring_back();
  [[nodiscard]] Result<void> remove_put_away();
  // Empty, with the unique index.
  [[nodiscard]] Result<void> make_fresh();

  enum class Which : std::uint8_t { carts, put_away };
  [[nodiscard]] Result<std::int64_t> count(Which which);
  using TakeDocument = std::function<Result<void>(PredecessorDocument&&)>;
  [[nodiscard]] Result<void> scan(Which which, const TakeDocument& take);

  // New documents in one unordered bulk; store_rejected if any is refused.
  [[nodiscard]] Result<void> insert(std::span<const commit::MirrorWrite> carts);
  [[nodiscard]] Result<void> insert_json(std::span<const std::string> documents);
  // The same of documents that may be refused: each that is, is told by its place, and left out.
  using Refused = std::function<void(std::size_t at, std::string_view why)>;
  [[nodiscard]] Result<void> insert_json(std::span<const std::string> documents,
                                         const Refused& refused);

private:
  class Wire;
  [[nodiscard]] Result<void> remove(Which which);
  explicit Takeover(std::unique_ptr<Wire> wire);
  const std::unique_ptr<Wire> wire_;
};

} // namespace panier::store::mongo
