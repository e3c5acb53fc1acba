#include "migrate/identity.hpp"

#include <algorithm>
#include <limits>

#include "runtime/sha256.hpp"

namespace panier::migrate {
namespace {

using cart::CartId;

constexpr int new_ids_max = 8; // tries; one is enough but for a collision of 96 bits

std::optional<CartId> parse(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return CartId::parse(text);
}

void note(Merged& merged, Origin origin, std::string reason, std::string content) {
  merged.aside.push_back({.origin = origin,
                          .reason = std::move(reason),
                          .content = std::move(content),
                          .taken_over = true,
                          .whole = true});
}

bool names(const std::vector<Document>& documents, std::uint32_t id_maria) {
  return std::ranges::find(documents, id_maria, &Document::id_maria) != documents.end();
}

} // namespace

CartId made_id(const cart::UserId& user, int attempt) {
  const auto hash = runtime::sha256("panier migrate " + std::to_string(attempt) + user.text());
  CartId::Bytes bytes;
  std::copy_n(hash.begin(), bytes.size(), bytes.begin());
  return CartId(bytes);
}

Result<Identity> Identities::choose(const User& user, Merged& merged) {
  Identity chosen;
  const auto id_maria = choose_id_maria(user, merged);
  if (!id_maria) return std::unexpected(id_maria.error());
  chosen.id_maria = *id_maria;

  std::vector<Candidate> candidates;
  candidates.reserve(user.sources.documents.size() + user.sources.rows.size());
  for (const auto& document : user.sources.documents)
    candidates.push_back({Origin::mongodb, document.id.empty() ? document.json : document.id});
  for (const auto& row : user.sources.rows)
    if (row.id_maria == chosen.id_maria) candidates.push_back({Origin::mariadb, row.id});
  for (const auto& row : user.sources.rows)
    if (row.id_maria != chosen.id_maria) candidates.push_back({Origin::mariadb, row.id});
  const auto id = choose_id(user, candidates, merged);
  if (!id) return std::unexpected(id.error());
  chosen.id = *id;
  return chosen;
}

Result<CartId> Identities::choose_id(const User& user, const std::vector<Candidate>& candidates,
                                     Merged& merged) {
  std::optional<CartId> chosen;
  for (const auto& [origin, text] : candidates) {
    const auto id = parse(text);
    if (text.empty()) {
      note(merged, origin, "id missing", text);
    } else if (!id) {
      note(merged, origin, "id is not an ObjectId", text);
    } else if (chosen && *chosen != *id) {
      note(merged, origin, "id differs from " + chosen->hex(), text);
    } else if (!chosen) {
      const auto free = file_.take_id(id->hex(), user.user);
      if (!free) return std::unexpected(free.error());
      if (*free)
        chosen = id;
      else
        note(merged, origin, "id is another user's", text);
    }
  }
  if (chosen) return *chosen;
  const auto made = new_id(user.user);
  if (made) merged.findings.push_back("new id " + made->hex());
  return made;
}

Result<CartId> Identities::new_id(const cart::UserId& user) {
  for (int attempt = 0; attempt < new_ids_max; ++attempt) {
    const auto id = made_id(user, attempt);
    const auto free = file_.take_id(id.hex(), user);
    if (!free) return std::unexpected(free.error());
    if (*free) return id;
  }
  return fail(Errc::internal, "no id for " + user.text());
}

Result<std::uint32_t> Identities::choose_id_maria(const User& user, Merged& merged) {
  const auto& [rows, documents] = user.sources;
  std::optional<std::uint32_t> chosen;
  for (const auto& row : rows) {
    if (row.id_maria == 0) continue; // no number of a cart's
    if (!chosen || (!names(documents, *chosen) && names(documents, row.id_maria)))
      chosen = row.id_maria;
  }
  for (const auto& document : documents) {
    if (chosen || document.id_maria == 0 || document.id_maria >= handed_out_below_) continue;
    const auto free = file_.take_id_maria(document.id_maria);
    if (!free) return std::unexpected(free.error());
    if (*free) chosen = document.id_maria;
  }
  if (!chosen) {
    if (next_id_maria_ > std::numeric_limits<std::uint32_t>::max())
      return fail(Errc::store_corrupt, "MariaDB has no id_maria left");
    chosen = static_cast<std::uint32_t>(next_id_maria_++);
    merged.findings.push_back("new id_maria " + std::to_string(*chosen));
  }
  for (const auto& document : documents) {
    if (document.id_maria == *chosen) continue;
    if (document.id_maria == 0)
      note(merged, Origin::mongodb, "id_maria missing", {});
    else
      note(merged, Origin::mongodb, "id_maria differs from " + std::to_string(*chosen),
           std::to_string(document.id_maria));
  }
  return *chosen;
}

} // namespace panier::migrate
