#include "api/messages.hpp"

namespace panier::api {

namespace {

using std::chrono::seconds;

// Callers of the predecessor know this sentence, so it stays to the letter, also where nothing is
// being added.
constexpr std::string_view both_stores =
    "Les deux bases doivent être disponibles pour effectuer l'ajout.";

constexpr auto soon = seconds(1);       // a queue drains, another lane lets go
constexpr auto store_back = seconds(2); // a store or a service that restarts
constexpr auto by_hand = seconds(60);   // somebody must do something first

constexpr Message internal{500, "internal", "Erreur interne du service panier.", std::nullopt};
constexpr Message outcome_unknown{
    504, "outcome_unknown",
    "Le résultat de l'opération est inconnu : réessayez avec la même clé Idempotency-Key.",
    std::nullopt};

constexpr Message plain(unsigned status, std::string_view code, std::string_view text) {
  return {status, code, text, std::nullopt};
}

constexpr Message later(std::string_view code, std::string_view text, seconds retry_after) {
  return {503, code, text, retry_after};
}

} // namespace

Message message_of(Errc code) noexcept {
  switch (code) {
  case Errc::bad_request: return plain(400, "bad_request", "Requête HTTP invalide.");
  case Errc::malformed_json:
    return plain(400, "malformed_json", "Le corps de la requête n'est pas un objet JSON valide.");
  case Errc::duplicate_json_key:
    return plain(400, "duplicate_json_key", "Une clé JSON est présente deux fois.");
  case Errc::invalid_if_match:
    return plain(400, "invalid_if_match", "L'en-tête If-Match est invalide.");
  case Errc::invalid_idempotency_key:
    return plain(400, "invalid_idempotency_key", "L'en-tête Idempotency-Key est invalide.");
  case Errc::route_not_found: return plain(404, "route_not_found", "Cette adresse n'existe pas.");
  case Errc::method_not_allowed:
    return plain(405, "method_not_allowed", "Méthode non autorisée pour cette adresse.");
  case Errc::request_timeout:
    return plain(408, "request_timeout", "La requête n'est pas arrivée à temps.");
  case Errc::body_too_large:
    return plain(413, "body_too_large", "Le corps de la requête est trop grand.");
  case Errc::headers_too_large:
    return plain(431, "headers_too_large", "Les en-têtes de la requête sont trop grands.");
  case Errc::unsupported_media_type:
    return plain(415, "unsupported_media_type",
                 "Le corps de la requête doit être du JSON en UTF-8 (application/json).");
  case Errc::expectation_failed:
    return plain(417, "expectation_failed", "L'en-tête Expect n'est pas pris en charge.");
  case Errc::not_implemented:
    return plain(501, "not_implemented", "Méthode ou codage de transfert non pris en charge.");
  case Errc::invalid_field:
    return plain(422, "invalid_field", "Un champ de la requête est absent ou invalide.");

  case Errc::cart_not_in_mirror: // to a client the same; read_cart() adds that it is degraded
  case Errc::cart_not_found: return plain(404, "cart_not_found", "Panier introuvable.");
  case Errc::precondition_failed:
    return plain(412, "precondition_failed", "Le panier a changé depuis la version indiquée.");
  case Errc::too_many_lines:
    return plain(422, "too_many_lines", "Le panier contient déjà le nombre maximal d'articles.");
  case Errc::quantity_too_large:
    return plain(422, "quantity_too_large", "La quantité totale dépasse la limite autorisée.");
  case Errc::idempotency_key_reused:
    return plain(422, "idempotency_key_reused",
                 "Cette clé Idempotency-Key a déjà servi pour une autre requête.");
  case Errc::article_not_found: return plain(404, "article_not_found", "Article introuvable.");
  case Errc::stock_insufficient:
    return plain(409, "stock_insufficient", "Le stock de l'article est insuffisant.");

  case Errc::overloaded:
    return later("overloaded", "Le service est surchargé, veuillez réessayer.", soon);
  case Errc::cart_busy:
    return later("cart_busy", "Le panier est en cours de modification, veuillez réessayer.", soon);
  case Errc::cart_quarantined:
    return later("cart_quarantined",
                 "Ce panier ne peut pas être modifié tant qu'il n'a pas été réparé.", by_hand);
  case Errc::ledger_unavailable: return later("ledger_unavailable", both_stores, store_back);
  case Errc::mirror_unavailable: return later("mirror_unavailable", both_stores, store_back);
  case Errc::stores_unavailable:
    return later("stores_unavailable", "Aucune des deux bases n'est disponible.", store_back);
  case Errc::schema_unmigrated:
    return later("schema_unmigrated", "La base doit d'abord être migrée.", by_hand);
  case Errc::stock_unknown:
    return later("stock_unknown", "Le stock de l'article n'est pas connu, veuillez réessayer.",
                 store_back);
  case Errc::shutting_down: return later("shutting_down", "Le service s'arrête.", soon);

  // A store's answer that got here untranslated: honest, and never a definite failure where there
  // may be an effect.
  case Errc::outcome_unknown:
  case Errc::store_timeout:
  case Errc::commit_unknown: return outcome_unknown;
  case Errc::internal:
  case Errc::stock_unasked:
  case Errc::store_unreachable:
  case Errc::store_conflict:
  case Errc::store_rejected:
  case Errc::store_denied:
  case Errc::store_corrupt:
  case Errc::config_invalid: return internal;
  }
  return internal;
}

} // namespace panier::api
