// Both sources side by side on this machine's disk, in one order, so that a million carts need no
// memory and no store is asked to sort: a SQLite file in the temporary directory (TMPDIR) that has
// no name once it is open, so that nothing is left behind whatever happens.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migrate/merge.hpp"

namespace panier::store::sqlite {
class Connection;
class Statement;
} // namespace panier::store::sqlite

namespace panier::migrate {

class WorkFile {
public:
  // store_denied and its like: the temporary directory cannot hold it; the text names it.
  [[nodiscard]] static Result<std::unique_ptr<WorkFile>> make();
  ~WorkFile();
  WorkFile(const WorkFile&) = delete;
  WorkFile& operator=(const WorkFile&) = delete;

  [[nodiscard]] Result<void> add(const Row& row);
  [[nodiscard]] Result<void> add(const Document& document);
  // After the last add(), before anything below.
  [[nodiscard]] Result<void> sort();

  // Rows and documents that belong to no user of panier's, MariaDB's first.
  using TakeRow = std::function<Result<void>(Row&&)>;
  using TakeDocument = std::function<Result<void>(Document&&)>;
  [[nodiscard]] Result<void> foreign(const TakeRow& row, const TakeDocument& document);
  // The others, group by group.
  using TakeGroup = std::function<Result<void>(Group&&)>;
  [[nodiscard]] Result<void> groups(const TakeGroup& take);

  // Takes an id for a user; false: it is taken, or another user's: a document or a
  // foreign row has it.
  [[nodiscard]] Result<bool> take_id(const std::string& id, const cart::UserId& user);
  // The same of an id_maria that no row has.
  [[nodiscard]] Result<bool> take_id_maria(std::uint32_t id_maria);

private:
  explicit WorkFile(std::unique_ptr<store::sqlite::Connection> file);
  std::unique_ptr<store::sqlite::Connection> file_;
};

} // namespace panier::migrate
