// What the SQL ledgers keep as text: a cart's articles, a lane's lists, an idempotency key's
// answer, a time. Each input is tried as every one of them.
#include <boost/json/parse.hpp>
#include <set>

#include "commit/receipt.hpp"
#include "store/lines/lines_json.hpp"
#include "store/mariadb/rows.hpp"
#include "store/mariadb/sql.hpp"
#include "stored_document.hpp"

namespace panier::fuzz {
namespace {

using cart::Quantity;
using store::lines_from_json;
using store::lines_to_json;

constexpr std::size_t detail_chars_max = 200; // a log line, not a dump

void promise_corrupt(const Error& error) {
  promise(error.code == Errc::store_corrupt, "what cannot be read is corrupt");
  promise(!error.detail.empty() && error.detail.size() <= detail_chars_max,
          "an error says what, briefly", error.detail);
}

// Boost's parser has a bound on exponents; ours judges the value.
void promise_json(std::string_view text) {
  boost::json::error_code error;
  (void)boost::json::parse(text, error);
  promise(!error || error == boost::json::error::exponent_overflow, "what is accepted is JSON",
          text);
}

void promise_mirror_agrees(const std::vector<cart::Line>& lines) {
  const auto read = stored_and_read({.user = cart::UserId::parse("u").value(),
                                     .cart = {cart::CartId({1}), 7, true, lines},
                                     .id_maria = 1,
                                     .token = cart::Token({2}),
                                     .updated_at = {}});
  promise(read.doc && read.doc->readable && read.doc->lines == lines, "both stores' codecs agree");
}

void check_articles(std::string_view text) {
  const auto lines = lines_from_json(text);
  if (!lines) return promise_corrupt(lines.error());
  promise_json(text);
  std::set<cart::LineKey> keys;
  for (const auto& line : *lines) {
    promise(keys.insert(line.key).second, "a line stands once", text);
    promise(line.quantity.positive() && line.quantity.thousandths() <= Quantity::thousandths_max,
            "a line holds 0.001 to 1,000,000", text);
  }
  const auto written = lines_to_json(*lines);
  promise(lines_from_json(written) == *lines, "lines come back from what we write", written);
  promise_json(written);
  promise_mirror_agrees(*lines);
}

void check_lists(std::string_view text) {
  const auto listed = store::listed_from_json(text);
  if (!listed) return promise_corrupt(listed.error());
  promise_json(text);
  for (const auto& [user, version] : *listed)
    promise(cart::is_identifier(user.text()) && version >= 0,
            "a cart is listed by user and version");
  const auto written = store::listed_to_json(*listed);
  promise(store::listed_from_json(written) == *listed, "a list comes back", written);
}

void check_answer(std::string_view text) {
  const auto receipt = commit::decode(text);
  if (!receipt) return;
  const auto written = commit::encode(*receipt);
  promise(commit::decode(written) == receipt, "an answer comes back from what we write", written);
}

void check_time(std::string_view text) {
  const auto time = store::mariadb::ledger_time(text);
  if (!time) return promise_corrupt(time.error());
  promise(!store::mariadb::number(text), "a time is no number", text);
  if (*time < commit::LedgerTime{}) return; // before 1970 there are no carts: written as 1970
  store::mariadb::Sql sql;
  sql.time(*time);
  const auto written = sql.text().substr(1, sql.text().size() - 2); // without its quotes
  promise(store::mariadb::ledger_time(written) == *time, "a time comes back", written);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = panier::fuzz::text_of(data, size);
  panier::fuzz::check_articles(text);
  panier::fuzz::check_lists(text);
  panier::fuzz::check_answer(text);
  panier::fuzz::check_time(text);
  return 0;
}
