// `panier migrate --undo`: both stores as the predecessor wants them. From a migration that was
// never finished the predecessor's data come back as they were; from a finished one every live cart
// is written in the predecessor's shape, as MariaDB has it now. docs/adr/0002.
#pragma once

#include "migrate/stores.hpp"

namespace panier::migrate {

class WayBack {
public:
  WayBack(Stores stores, Report& report, Progress& progress)
      : mariadb_(stores.mariadb), mongodb_(stores.mongodb), report_(report), progress_(progress) {}

  // schema_unmigrated: not as things stand (an instance serves), the text says why, nothing was
  // changed. Anything else: a store's trouble; run it again.
  [[nodiscard]] Result<Outcome> run();

private:
  [[nodiscard]] Result<Outcome> cancel(const store::mariadb::Situation& found);
  [[nodiscard]] Result<Outcome> give_back(const store::mariadb::Situation& found);
  [[nodiscard]] Result<Outcome> clean();
  [[nodiscard]] Result<std::vector<store::mariadb::Takeover::Beat>> nobody_serves();
  [[nodiscard]] Result<void> return_carts(cart::Version migration);
  [[nodiscard]] Result<void> return_page(const std::vector<store::mariadb::ReturningCart>& page);
  [[nodiscard]] Result<void> write();
  [[nodiscard]] Result<void> return_foreign();
  [[nodiscard]] Result<void> return_foreign_documents();
  [[nodiscard]] Result<void> write_foreign();

  store::mariadb::Takeover& mariadb_;
  store::mongo::Takeover& mongodb_;
  Report& report_;
  Progress& progress_;

  // Of carts in the predecessor's shapes, not yet written.
  struct Page {
    std::vector<store::mariadb::PredecessorRow> rows;
    std::vector<std::string> documents;
    std::vector<std::int64_t> put_back;
    std::size_t bytes = 0;
  };
  Page page_;
  // Documents of foreign users, not yet written.
  struct ForeignPage {
    std::vector<store::mariadb::ReturningForeign> found;
    std::vector<std::string> documents; // of `found`
    std::size_t bytes = 0;
  };
  ForeignPage foreign_page_;
  std::vector<std::int64_t> refused_; // of panier_foreign_user: what stays there
  std::int64_t user_id_chars_max_ = 0;
  std::int64_t carts_ = 0, put_back_ = 0, rest_ = 0;
};

} // namespace panier::migrate
