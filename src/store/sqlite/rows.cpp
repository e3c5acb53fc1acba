#include "store/sqlite/rows.hpp"

#include <limits>
#include <string>
#include <utility>

#include "store/lines/lines_json.hpp"

namespace panier::store::sqlite {
namespace {

std::unexpected<Error> corrupt(std::string_view whose, std::string_view what) {
  return fail(Errc::store_corrupt, "row of '" + std::string(whose) + "': " + std::string(what));
}

} // namespace

Result<commit::CartRow> cart_row(const Statement& row) {
  const auto name = row.text(0);
  auto user = commit::UserId::parse(name);
  const auto id = commit::CartId::parse(row.text(1));
  const auto id_maria = row.integer(2);
  auto lines = lines_from_json(row.text(3));
  const auto token = fixed_bytes<16>(row.bytes(5));
  if (!user) return corrupt(name, "user_id is none");
  commit::CartRow read{.user = std::move(*user),
                       .cart = {id.value_or(commit::CartId{}), row.integer(4), row.null(8), {}},
                       .id_maria = static_cast<std::uint32_t>(id_maria),
                       .token = token ? commit::Token(*token) : commit::Token{},
                       .created_at = at_ms(row.integer(6)),
                       .updated_at = at_ms(row.integer(7))};
  const bool numbered = id_maria >= 1 && id_maria <= std::numeric_limits<std::uint32_t>::max();
  if (lines && id && numbered)
    read.cart.lines = std::move(*lines);
  else
    read.unreadable = std::string(row.text(3));
  return read;
}

Result<commit::LaneRow> lane_row(const Statement& row) {
  commit::LaneRow lane;
  lane.key = {std::string(row.text(0)), static_cast<int>(row.integer(1))};
  lane.last_batch = row.integer(2);
  if (!row.null(3)) {
    const auto token = fixed_bytes<16>(row.bytes(3));
    if (!token) return corrupt(lane.key.instance, "token cannot be read");
    lane.token = commit::Token(*token);
  }
  lane.expires_at = at_ms(row.integer(4));
  auto reserved = listed_from_json(row.text(5));
  auto in_flight = listed_from_json(row.text(6));
  if (!reserved || !in_flight)
    return corrupt(lane.key.instance, (reserved ? in_flight : reserved).error().detail);
  lane.reserved = std::move(*reserved);
  lane.in_flight = std::move(*in_flight);
  lane.heartbeat = at_ms(row.integer(7));
  return lane;
}

} // namespace panier::store::sqlite
