#include "result/result.hpp"

namespace panier {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
  case Errc::bad_request: return "bad_request";
  case Errc::malformed_json: return "malformed_json";
  case Errc::duplicate_json_key: return "duplicate_json_key";
  case Errc::invalid_if_match: return "invalid_if_match";
  case Errc::invalid_idempotency_key: return "invalid_idempotency_key";
  case Errc::route_not_found: return "route_not_found";
  case Errc::method_not_allowed: return "method_not_allowed";
  case Errc::request_timeout: return "request_timeout";
  case Errc::body_too_large: return "body_too_large";
  case Errc::headers_too_large: return "headers_too_large";
  case Errc::unsupported_media_type: return "unsupported_media_type";
  case Errc::expectation_failed: return "expectation_failed";
  case Errc::not_implemented: return "not_implemented";
  case Errc::invalid_field: return "invalid_field";
  case Errc::cart_not_found: return "cart_not_found";
  case Errc::cart_not_in_mirror: return "cart_not_in_mirror";
  case Errc::precondition_failed: return "precondition_failed";
  case Errc::too_many_lines: return "too_many_lines";
  case Errc::quantity_too_large: return "quantity_too_large";
  case Errc::idempotency_key_reused: return "idempotency_key_reused";
  case Errc::article_not_found: return "article_not_found";
  case Errc::stock_insufficient: return "stock_insufficient";
  case Errc::overloaded: return "overloaded";
  case Errc::cart_busy: return "cart_busy";
  case Errc::cart_quarantined: return "cart_quarantined";
  case Errc::ledger_unavailable: return "ledger_unavailable";
  case Errc::mirror_unavailable: return "mirror_unavailable";
  case Errc::stores_unavailable: return "stores_unavailable";
  case Errc::schema_unmigrated: return "schema_unmigrated";
  case Errc::stock_unknown: return "stock_unknown";
  case Errc::shutting_down: return "shutting_down";
  case Errc::outcome_unknown: return "outcome_unknown";
  case Errc::internal: return "internal";
  case Errc::stock_unasked: return "stock_unasked";
  case Errc::store_unreachable: return "store_unreachable";
  case Errc::store_timeout: return "store_timeout";
  case Errc::store_conflict: return "store_conflict";
  case Errc::store_rejected: return "store_rejected";
  case Errc::store_denied: return "store_denied";
  case Errc::store_corrupt: return "store_corrupt";
  case Errc::commit_unknown: return "commit_unknown";
  case Errc::config_invalid: return "config_invalid";
  }
  return "internal";
}

} // namespace panier
