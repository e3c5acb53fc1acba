#include "migrate/way_back.hpp"

#include <thread>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "migrate/identity.hpp"
#include "migrate/json_lines.hpp"
#include "store/lines/lines_json.hpp"

namespace panier::migrate {
namespace {

using namespace std::chrono_literals;
using store::mariadb::ReturningCart;
using store::mariadb::Situation;
using store::mariadb::Stage;
using Beat = store::mariadb::Takeover::Beat;
using Table = Situation::Table;

constexpr int page_carts = 1'000;
constexpr std::size_t documents_max = 500; // of a bulk of foreign ones
// Lanes beat every 10 s (commit/limits.hpp): who does not in this time is dead.
constexpr auto look_for = 12s;
constexpr auto look_every = 200ms;

std::unexpected<Error> refused(std::string why) {
  return fail(Errc::schema_unmigrated, std::move(why));
}

// The line in the shape of the predecessor's documents; nullopt: it never had that shape.
std::optional<std::string> document_line(std::string_view content) {
  const auto line = parse_json(content);
  if (!line || !line->is_object() || line->get_object().size() != 2) return std::nullopt;
  const auto* const id = line->get_object().if_contains("article_id");
  const auto* const quantity = line->get_object().if_contains("quantite");
  if (id == nullptr || !id->is_string() || quantity == nullptr) return std::nullopt;
  const auto fields = items_of(content);
  if (!quantity->is_number() || fields.size() != 2) return std::nullopt;
  const auto field = fields[line->get_object().begin()->key() == "quantite" ? 0 : 1];
  const auto number = field.substr(field.find_last_of(": ") + 1);
  if (!a_double_holds(number)) return std::nullopt; // more digits, or beyond any double
  return fmt::format(R"({{"article_id":{},"quantite":{{"$numberDouble":"{}"}}}})",
                     boost::json::serialize(*id), number);
}

std::string document_line(const cart::Line& line) {
  return fmt::format(R"({{"article_id":"{}","quantite":{{"$numberDouble":"{}"}}}})",
                     line.key.article_id(), line.quantity.to_text());
}

void join(std::string& list, std::string_view item, std::string_view between) {
  if (!list.empty()) list += between;
  list += item;
}

// Of a cart that is unreadable for its id alone.
std::optional<std::vector<cart::Line>> lines_without_id(const ReturningCart& one) {
  if (!one.cart.unreadable || cart::CartId::parse(one.id)) return std::nullopt;
  auto lines = store::lines_from_json(*one.cart.unreadable);
  return lines ? std::optional(*std::move(lines)) : std::nullopt;
}

// One cart in both of the predecessor's shapes.
struct Returned {
  store::mariadb::PredecessorRow row;
  std::string document;
  std::vector<std::int64_t> put_back; // ids of panier_set_aside
  bool new_id = false;                // it had none that could be read
  bool unreadable = false;            // its articles

  [[nodiscard]] std::size_t bytes() const {
    return row.articles.value_or("").size() + document.size() + put_back.size() * 20 + 256;
  }
};

Returned in_old_shape(const ReturningCart& one) {
  const auto& cart = one.cart;
  const auto id = cart::CartId::parse(one.id);
  std::optional<std::string> whole = cart.unreadable;
  const auto read = lines_without_id(one);
  if (read) whole.reset();
  std::string texts, documents;
  for (const auto& line : read ? *read : cart.cart.lines) {
    join(texts, line_text(line.key, line.quantity), ", ");
    join(documents, document_line(line), ",");
  }
  Returned returned{
      .row = {}, .document = {}, .put_back = {}, .new_id = !id, .unreadable = whole.has_value()};
  for (const auto& kept : one.kept) {
    if (kept.origin == "mongodb") {
      const auto line = kept.whole ? std::nullopt : document_line(kept.content);
      if (!line) continue;
      join(documents, *line, ",");
    } else if (kept.whole) {
      if (!texts.empty() || whole) continue; // its place is taken
      whole = kept.content;
    } else {
      if (whole) continue; // no list to stand in
      join(texts, kept.content, ", ");
    }
    returned.put_back.push_back(kept.id);
  }
  returned.row = {.id_maria = cart.id_maria,
                  .id = id.value_or(made_id(cart.user)).hex(),
                  .user_id = cart.user.text(),
                  .articles = whole ? *whole : "[" + texts + "]",
                  .created_at = one.created_at,
                  .updated_at = one.updated_at};
  returned.document =
      fmt::format(R"({{"_id":{{"$oid":"{}"}},"user_id":"{}","id_maria":{},"articles":[{}]}})",
                  returned.row.id, returned.row.user_id, returned.row.id_maria, documents);
  return returned;
}

} // namespace

Result<Outcome> WayBack::run() {
  if (auto turn = told_by(Origin::mariadb, mariadb_.take_turn()); !turn)
    return std::unexpected(turn.error());
  const auto found = told_by(Origin::mariadb, mariadb_.look());
  if (!found) return std::unexpected(found.error());
  switch (found->stage) {
  case Stage::copying: return cancel(*found);
  case Stage::cleaning: return clean();
  case Stage::none:
  case Stage::migrated:
    if (found->panier != Table::ours) return Outcome::nothing_to_do;
    [[fallthrough]];
  case Stage::undoing: return give_back(*found);
  }
  return Outcome::nothing_to_do;
}

// Nothing was written since, and the predecessor's data are whole: they only change their names.
Result<Outcome> WayBack::cancel(const Situation& found) {
  if (found.panier == Table::predecessors && found.put_away)
    return refused("somebody made a table panier anew while panier_predecessor holds the "
                   "predecessor's rows: drop the one that is not wanted");
  const auto documents_away = told_by(Origin::mongodb, mongodb_.is_put_away());
  if (!documents_away) return std::unexpected(documents_away.error());
  if (*documents_away)
    if (auto back = told_by(Origin::mongodb, mongodb_.bring_back()); !back)
      return std::unexpected(back.error());
  if (found.put_away)
    if (auto back = told_by(Origin::mariadb, mariadb_.bring_back()); !back)
      return std::unexpected(back.error());
  // Again the tables, which a killed cancel may have removed already.
  const auto migration = told_by(Origin::mariadb, mariadb_.begin(Stage::copying));
  if (!migration) return std::unexpected(migration.error());
  auto removed = told_by(Origin::mariadb, mariadb_.forget(*migration));
  if (removed) removed = told_by(Origin::mariadb, mariadb_.remove_ours());
  if (!removed) return std::unexpected(removed.error());
  report_.line("the migration was never finished: both stores are as they were");
  return Outcome::done;
}

Result<std::vector<Beat>> WayBack::nobody_serves() {
  const auto first = told_by(Origin::mariadb, mariadb_.recent_beats());
  if (!first || first->empty()) return first;
  progress_.say("an instance served here within the last minute: looking for a sign of life");
  for (const auto until = std::chrono::steady_clock::now() + look_for;
       std::chrono::steady_clock::now() < until;) {
    std::this_thread::sleep_for(look_every);
    auto now = told_by(Origin::mariadb, mariadb_.recent_beats());
    if (!now) return now;
    for (const auto& beat : *now)
      if (std::ranges::find(*first, beat) == first->end())
        return refused("panier still serves on this database (instance and lane " + beat.lane +
                       "): stop every instance, then run panier migrate --undo again");
  }
  return told_by(Origin::mariadb, mariadb_.recent_beats());
}

Result<Outcome> WayBack::give_back(const Situation& found) {
  const auto reached = told_by(Origin::mongodb, mongodb_.is_put_away());
  if (!reached) return std::unexpected(reached.error()); // nothing is begun while a store is away
  const auto beats = nobody_serves();
  if (!beats) return std::unexpected(beats.error());
  const auto migration = told_by(Origin::mariadb, mariadb_.begin(Stage::undoing));
  if (!migration) return std::unexpected(migration.error());
  // From here on nobody starts to serve. Whoever did since the last look shows now.
  const auto again = told_by(Origin::mariadb, mariadb_.recent_beats());
  if (!again) return std::unexpected(again.error());
  const auto known = [&](const Beat& beat) {
    return std::ranges::find(*beats, beat) != beats->end();
  };
  if (!std::ranges::all_of(*again, known)) {
    if (found.stage != Stage::undoing)
      if (auto back = mariadb_.set_stage(Stage::migrated); !back)
        return std::unexpected(back.error());
    return refused("panier began to serve on this database: stop every instance, then run panier "
                   "migrate --undo again");
  }
  if (auto retired = told_by(Origin::mariadb, mariadb_.retire_ours()); !retired)
    return std::unexpected(retired.error());
  if (auto made = told_by(Origin::mongodb, mongodb_.make_fresh()); !made)
    return std::unexpected(made.error());
  auto returned = return_carts(*migration);
  if (returned) returned = return_foreign();
  if (returned) returned = told_by(Origin::mariadb, mariadb_.set_stage(Stage::cleaning));
  if (!returned) return std::unexpected(returned.error());
  report_.total("carts given back", carts_);
  report_.total("lines and texts put back", put_back_);
  report_.total("rows and documents of other users put back", report_.foreign_users());
  return clean();
}

Result<void> WayBack::return_carts(cart::Version migration) {
  const auto chars_max = told_by(Origin::mariadb, mariadb_.user_id_chars_max());
  if (!chars_max) return std::unexpected(chars_max.error());
  user_id_chars_max_ = *chars_max;
  const auto total = told_by(Origin::mariadb, mariadb_.count("panier_retired"));
  if (!total) return std::unexpected(total.error());
  progress_.start("giving back", *total);
  for (std::uint32_t after = 0;;) {
    const auto page = told_by(Origin::mariadb, mariadb_.returning(after, page_carts, migration));
    if (!page) return std::unexpected(page.error());
    if (page->empty()) break;
    if (auto returned = return_page(*page); !returned) return returned;
    after = page->back().cart.id_maria;
    progress_.advance(std::ssize(*page));
  }
  progress_.finish();
  return {};
}

Result<void> WayBack::return_page(const std::vector<ReturningCart>& page) {
  for (const auto& one : page) {
    auto returned = in_old_shape(one);
    const auto bytes = returned.bytes();
    if (page_.bytes + bytes > page_bytes_max)
      if (auto written = write(); !written) return written;
    page_.bytes += bytes;
    const auto& user = one.cart.user.text();
    if (returned.new_id) report_.new_id(one.cart.user, one.id, returned.row.id);
    if (returned.unreadable) {
      ++rest_;
      report_.line(user + ": its articles cannot be read: they go back as they stand in MariaDB, "
                          "and MongoDB gets an empty list");
    }
    ++carts_;
    put_back_ += std::ssize(returned.put_back);
    page_.documents.push_back(std::move(returned.document));
    std::ranges::copy(returned.put_back, std::back_inserter(page_.put_back));
    if (std::cmp_less_equal(user.size(), user_id_chars_max_)) {
      page_.rows.push_back(std::move(returned.row));
      continue;
    }
    ++rest_;
    report_.line(fmt::format("{}: longer than the {} characters of the predecessor's column: in "
                             "MongoDB only",
                             user, user_id_chars_max_));
  }
  return write();
}

Result<void> WayBack::write() {
  const auto page = std::exchange(page_, {});
  auto written = told_by(Origin::mariadb, mariadb_.give_back(page.rows, page.put_back));
  if (written) written = told_by(Origin::mongodb, mongodb_.insert_json(page.documents));
  return written;
}

// Who is refused, because a cart or another one has its id, or its user_id, must not keep the rest
// from going back.
Result<void> WayBack::return_foreign() {
  auto returned = told_by(
      Origin::mariadb, mariadb_.give_back_foreign([&](const auto& row, std::string_view why) {
        refused_.push_back(row.seq);
        report_.refused(Origin::mariadb, row.user_id, fmt::format("row {}", row.id_maria), why);
      }));
  if (returned) returned = return_foreign_documents();
  if (returned) returned = told_by(Origin::mariadb, mariadb_.note_foreign_put_back(refused_));
  if (!returned) return returned;
  const auto all = told_by(Origin::mariadb, mariadb_.count("panier_foreign_user"));
  if (!all) return std::unexpected(all.error());
  report_.put_back_foreign(*all - std::ssize(refused_));
  return {};
}

Result<void> WayBack::return_foreign_documents() {
  std::optional<Error> own; // MongoDB's
  const auto full = [&](std::size_t bytes) {
    return foreign_page_.documents.size() == documents_max ||
           foreign_page_.bytes + bytes > page_bytes_max;
  };
  const auto read =
      mariadb_.foreign_documents([&](store::mariadb::ReturningForeign&& found) -> Result<void> {
        if (full(found.document.size()))
          if (auto written = write_foreign(); !written) {
            own = written.error();
            return written;
          }
        foreign_page_.bytes += found.document.size();
        foreign_page_.documents.push_back(std::exchange(found.document, {}));
        foreign_page_.found.push_back(std::move(found));
        return {};
      });
  if (own) return std::unexpected(*own);
  if (!read) return told_by(Origin::mariadb, read);
  return write_foreign();
}

Result<void> WayBack::write_foreign() {
  const auto page = std::exchange(foreign_page_, {});
  return told_by(Origin::mongodb, mongodb_.insert_json(page.documents, [&](std::size_t at,
                                                                           std::string_view why) {
    refused_.push_back(page.found[at].seq);
    report_.refused(Origin::mongodb, page.found[at].user_id, "document " + page.documents[at], why);
  }));
}

// Runs again after a kill: each step leaves alone what is gone already.
Result<Outcome> WayBack::clean() {
  if (auto begun = mariadb_.begin(Stage::cleaning); !begun)
    return told_by<Outcome>(Origin::mariadb, std::unexpected(begun.error()));
  if (auto removed = told_by(Origin::mongodb, mongodb_.remove_put_away()); !removed)
    return std::unexpected(removed.error());
  const auto left = told_by(Origin::mariadb, mariadb_.forget_put_back());
  if (!left) return std::unexpected(left.error());
  const auto foreign = told_by(Origin::mariadb, mariadb_.count("panier_foreign_user"));
  if (!foreign) return std::unexpected(foreign.error());
  if (auto removed = told_by(Origin::mariadb, mariadb_.remove_ours()); !removed)
    return std::unexpected(removed.error());
  report_.total("lines and texts still set aside (panier_set_aside)", *left);
  if (*foreign > 0)
    report_.total("rows and documents of other users that were refused (panier_foreign_user)",
                  *foreign);
  return rest_ + *foreign > 0 ? Outcome::done_with_rest : Outcome::done;
}

} // namespace panier::migrate
