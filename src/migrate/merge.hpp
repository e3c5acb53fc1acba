// How what the predecessor left of one user becomes one cart. Pure; docs/adr/0002 has the reasons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cart/cart.hpp"
#include "migrate/reading.hpp"
#include "store/mariadb/takeover.hpp"
#include "store/mongo/takeover.hpp"

namespace panier::migrate {

using Row = store::mariadb::PredecessorRow;
using Document = store::mongo::PredecessorDocument;

// Which store is believed where both have the cart and they disagree, unless its own cannot be
// read.
enum class Prefer : std::uint8_t {
  neither, // every line, with the larger quantity
  mariadb,
  mongodb,
};

// What is found under user ids that are the same but for case, trailing spaces taken off, as
// MariaDB compares them. Every one of them is an identifier.
struct Group {
  std::vector<Row> rows;           // by id_maria
  std::vector<Document> documents; // by _id
};

// The key by which sources are grouped: without trailing spaces, in lower case. nullopt: the
// alphabet cannot hold this user_id.
[[nodiscard]] std::optional<std::string> group_key(Origin origin, std::string_view user_id);

// One user's part of a group: MongoDB's spelling, which is exact, else the oldest row's. Where
// MongoDB has documents for two spellings, these are two users, and every row goes to its own.
struct User {
  cart::UserId user;
  Group sources;
};
[[nodiscard]] std::vector<User> split(Group group);

struct Merged {
  std::vector<cart::Line> lines;
  std::vector<std::string> findings; // for the report, in order
  std::vector<Aside> aside;
};
// Rows of one user are added up, so are documents; then both stores are compared.
[[nodiscard]] Merged merge(const User& user, Prefer prefer);

} // namespace panier::migrate
