// Which of the ids that both stores have for one user its cart keeps.
#pragma once

#include <string>
#include <vector>

#include "migrate/merge.hpp"
#include "migrate/work_file.hpp"

namespace panier::migrate {

struct Identity {
  cart::CartId id;
  std::uint32_t id_maria = 0;
};

// An id that nobody gave out: of a hash of the user, so the same whenever this is run.
[[nodiscard]] cart::CartId made_id(const cart::UserId& user, int attempt = 0);

class Identities {
public:
  // next_id_maria: what MariaDB would number its next row. An id_maria in a document is believed
  // below that only: a greater one was never handed out, and would use up the numbers.
  Identities(WorkFile& file, std::int64_t next_id_maria)
      : file_(file), handed_out_below_(next_id_maria), next_id_maria_(next_id_maria) {}

  // What the cart does not keep goes to `merged`. The document's _id first, since it is unique and
  // of the right type; then the rows' ids; else a new one, the same for the same user whenever this
  // is run. The id_maria is the row's that the document names, else the oldest row's.
  [[nodiscard]] Result<Identity> choose(const User& user, Merged& merged);

  [[nodiscard]] std::int64_t next_id_maria() const { return next_id_maria_; }

private:
  struct Candidate {
    Origin origin;
    std::string text;
  };
  [[nodiscard]] Result<cart::CartId>
  choose_id(const User& user, const std::vector<Candidate>& candidates, Merged& merged);
  [[nodiscard]] Result<cart::CartId> new_id(const cart::UserId& user);
  [[nodiscard]] Result<std::uint32_t> choose_id_maria(const User& user, Merged& merged);

  WorkFile& file_;
  const std::int64_t handed_out_below_;
  std::int64_t next_id_maria_;
};

} // namespace panier::migrate
