// What `panier migrate` asks of MariaDB, step by step; which step comes when is src/migrate's
// business. Tables: `panier` (the predecessor's or ours), panier_predecessor (the predecessor's,
// put away), panier_retired (ours, while an undo reads it), and those of schema/mariadb-migrate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commit/ports/ledger.hpp"
#include "store/mariadb/settings.hpp"

namespace panier::store::mariadb {

class Resolver;
class Session;
class Sql;

struct PredecessorRow {
  std::uint32_t id_maria = 0; // 0: MariaDB never gives it out, but a restored dump may have it
  std::string id;
  std::string user_id;
  std::optional<std::string> articles; // nullopt: NULL
  std::string created_at, updated_at;  // 'YYYY-MM-DD hh:mm:ss', UTC
};

// Of those texts; nullopt: MySQL's zero date, or none at all.
[[nodiscard]] std::optional<commit::LedgerTime> time_of(std::string_view text);

enum class Stage : std::uint8_t {
  none,     // no migration was ever begun, or it was undone: there is no table panier_migration
  copying,  // migrate is, or was, at work: it begins again from panier_predecessor
  migrated, // done
  undoing,  // the same of an undo, which begins again from panier_retired
  cleaning, // the undo is done, what it leaves behind is being removed
};

struct Situation {
  enum class Table : std::uint8_t { absent, predecessors, ours };
  Table panier = Table::absent;
  bool put_away = false; // panier_predecessor is there
  bool retired = false;  // panier_retired is there
  Stage stage = Stage::none;
  cart::Version version = 0; // of the migration; 0: none
};

// A line, a text or an id that is kept in panier_set_aside.
struct SetAside {
  cart::UserId user;
  std::string_view origin;
  std::string reason;
  std::string content;
  bool whole = false;
  bool taken_over = false;
};

// A row or a document in panier_foreign_user.
struct ForeignUser {
  std::string_view origin;
  std::optional<std::string> user_id;
  std::optional<PredecessorRow> row; // MariaDB's
  std::string document;              // MongoDB's, extended JSON
};

// One transaction's worth of a migration.
struct TakeoverPage {
  std::vector<commit::CartRow> carts;
  std::vector<SetAside> aside;
  std::vector<ForeignUser> foreign;
};

// A cart of ours on its way back, with what was set aside of it.
struct ReturningCart {
  commit::CartRow cart;
  std::string id;                     // as it stands there: where it is none, `cart` is unreadable
  std::string created_at, updated_at; // as in PredecessorRow
  struct Kept {
    std::int64_t id = 0; // in panier_set_aside
    std::string origin;
    std::string content;
    bool whole = false;
  };
  std::vector<Kept> kept; // only of a cart that nobody wrote since the migration
};

// One of panier_foreign_user on its way back: a document, or a row that was refused.
struct ReturningForeign {
  std::int64_t seq = 0;
  std::optional<std::string> user_id;
  std::uint32_t id_maria = 0; // a row's
  std::string document;       // a document's, extended JSON
};

// One thread's. Errors carry the server's words; nothing is tried twice by itself.
class Takeover {
public:
  explicit Takeover(const Settings& settings);
  ~Takeover();
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;

  [[nodiscard]] const std::string& database() const { return settings_.database; }

  // Must come first: one migration at a time. store_conflict: another one is at work.
  [[nodiscard]] Result<void> take_turn();
  [[nodiscard]] Result<Situation> look();
  [[nodiscard]] Result<std::int64_t> count(std::string_view table);
  // The predecessor's rows by id_maria.
  using TakeRow = std::function<Result<void>(PredecessorRow&&)>;
  [[nodiscard]] Result<void> scan(std::string_view table, const TakeRow& take);
  // What that table would number its next row.
  [[nodiscard]] Result<std::int64_t> next_id_maria(std::string_view table);

  // Makes the tables of a migration and notes its stage; the version is the one noted already, or
  // the server's clock in ms.
  [[nodiscard]] Result<cart::Version> begin(Stage stage);
  [[nodiscard]] Result<void> set_stage(Stage stage);

  // `panier` becomes panier_predecessor.
  [[nodiscard]] Result<void> put_away();
  // Our tables, `panier` empty; nothing is kept aside in this migration's name.
  [[nodiscard]] Result<void> make_ours(cart::Version migration);
  [[nodiscard]] Result<void> write(const TakeoverPage& page, cart::Version migration);
  [[nodiscard]] Result<void> number_from(std::int64_t next_id_maria);

  // The way back from a migration that was never finished.
  [[nodiscard]] Result<void> bring_back();
  // What that migration kept aside stands where it stood.
  [[nodiscard]] Result<void> forget(cart::Version migration);

  // Instances whose lanes still beat: "instance lane", each with its heartbeat.
  struct Beat {
    std::string lane;
    std::string at;
    friend bool operator==(const Beat&, const Beat&) = default;
  };
  [[nodiscard]] Result<std::vector<Beat>> recent_beats();
  // `panier` becomes panier_retired, and a new one of the predecessor's definition takes its place.
  [[nodiscard]] Result<void> retire_ours();
  [[nodiscard]] Result<std::int64_t> user_id_chars_max(); // of the predecessor's table
  // Live carts by id_maria, after `after`, at most `limit`.
  [[nodiscard]] Result<std::vector<ReturningCart>> returning(std::uint32_t after, int limit,
                                                             cart::Version migration);
  // `put_back`: ids of panier_set_aside that these rows carry.
  [[nodiscard]] Result<void> give_back(std::span<const PredecessorRow> rows,
                                       std::span<const std::int64_t> put_back);
  // Of all migrations, MariaDB's rows put back as they were; `refused` gets those that the table
  // does not take, and the server's words.
  using RefusedRow = std::function<void(const ReturningForeign& row, std::string_view why)>;
  [[nodiscard]] Result<void> give_back_foreign(const RefusedRow& refused);
  using TakeForeign = std::function<Result<void>(ReturningForeign&& document)>;
  [[nodiscard]] Result<void> foreign_documents(const TakeForeign& take);
  // All of them are put back but these, which stay in panier_foreign_user.
  [[nodiscard]] Result<void> note_foreign_put_back(std::span<const std::int64_t> but_not);
  // How many entries stay set aside.
  [[nodiscard]] Result<std::int64_t> forget_put_back();
  // Removes every table of ours but what is still set aside or not put back; the stage goes last.
  [[nodiscard]] Result<void> remove_ours();

private:
  [[nodiscard]] Result<void> run(std::string_view packet);
  [[nodiscard]] Result<void> run(const Sql& sql);
  [[nodiscard]] Result<std::int64_t> number_of(std::string_view query);
  [[nodiscard]] Result<std::vector<std::string>> texts_of(std::string_view query);

  const Settings settings_;
  const std::shared_ptr<Resolver> resolver_;
  // Holds the turn: once it is lost, so is the turn, and everything after fails.
  const std::unique_ptr<Session> session_;
};

} // namespace panier::store::mariadb
