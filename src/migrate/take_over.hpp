// `panier migrate`: the predecessor's carts become panier's. docs/adr/0002 says why it can be
// killed at any moment: the predecessor's data are first put away whole, everything is made from
// them, and what a killed run had made is thrown away by the next.
#pragma once

#include "migrate/stores.hpp"
#include "migrate/work_file.hpp"

namespace panier::migrate {

struct TakeOverOptions {
  Prefer prefer = Prefer::neither;
  bool dry_run = false; // the same report; nothing is changed, in no store
};

class TakeOver {
public:
  TakeOver(Stores stores, TakeOverOptions options, Report& report, Progress& progress)
      : mariadb_(stores.mariadb), mongodb_(stores.mongodb), options_(options), report_(report),
        progress_(progress) {}

  // schema_unmigrated: not as things stand, the text says why, nothing was changed. Anything else:
  // a store's trouble; run it again.
  [[nodiscard]] Result<Outcome> run();

private:
  [[nodiscard]] Result<void> check_no_documents();
  [[nodiscard]] Result<Outcome> take_all(const store::mariadb::Situation& found);
  [[nodiscard]] Result<void> put_away(const store::mariadb::Situation& found);
  [[nodiscard]] Result<void> read(std::string_view table, store::mongo::Takeover::Which collection);
  [[nodiscard]] Result<void> take_foreign();
  [[nodiscard]] Result<void> take_carts(std::int64_t next_id_maria);
  [[nodiscard]] Result<void> add(const User& user, class Identities& identities);
  [[nodiscard]] Result<void> write_if_full();
  [[nodiscard]] Result<void> write();

  store::mariadb::Takeover& mariadb_;
  store::mongo::Takeover& mongodb_;
  const TakeOverOptions options_;
  Report& report_;
  Progress& progress_;

  cart::Version version_ = 0; // of every cart: a moment, so above all that panier gave before
  std::unique_ptr<WorkFile> file_;
  store::mariadb::TakeoverPage page_;
  std::size_t page_bytes_ = 0;
  std::int64_t rows_ = 0, documents_ = 0, carts_ = 0;
};

} // namespace panier::migrate
