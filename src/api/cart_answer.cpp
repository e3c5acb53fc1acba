#include "api/cart_answer.hpp"

#include "api/etag.hpp"
#include "api/responses.hpp"

namespace panier::api {

namespace {

using cart::OperationKind;

http::Response created(const cart::Outcome& outcome) {
  auto json = success_body();
  json.key("rs").text(outcome.id.hex());
  return json_answer(outcome.existed ? 200 : 201, std::move(json));
}

http::Response line_written(const commit::Receipt& receipt, const cart::LineKey& article) {
  auto json = success_body();
  json.key("rs").begin_object();
  json.key("mariadb").text(article.article_id());
  json.key("mongo");
  receipt.mirrored ? json.text(article.article_id()) : json.null();
  json.key("version").number(receipt.outcome.version);
  json.key("quantite").decimal(receipt.outcome.quantity.to_text());
  json.end_object();
  return json_answer(201, std::move(json));
}

http::Response emptied() {
  auto json = success_body();
  json.key("message").text("Panier vidé avec succès");
  return json_answer(200, std::move(json));
}

http::Response erased(const cart::Outcome& outcome) {
  auto json = success_body();
  json.key("message").text("Panier supprimé avec succès");
  json.key("existait").boolean(outcome.existed);
  return json_answer(200, std::move(json));
}

http::Response answer_by_kind(const commit::Receipt& receipt,
                              const std::optional<cart::LineKey>& article) {
  switch (receipt.outcome.kind) {
  case OperationKind::create: return created(receipt.outcome);
  case OperationKind::empty: return emptied();
  case OperationKind::erase: return erased(receipt.outcome);
  case OperationKind::add:
  case OperationKind::edit:
  case OperationKind::remove: break;
  }
  if (!article) return failure_answer({Errc::internal, {}, "a receipt of a line without one"}, {});
  return line_written(receipt, *article);
}

// Nothing here is priced: the articles service is what knows prices. So the sum is that of no line,
// and complete only when there is no line.
JsonWriter cart_body(const commit::View& view) {
  auto json = success_body();
  json.key("rs").begin_object();
  json.key("id").text(view.cart.id.hex());
  json.key("id_maria").number(view.id_maria);
  json.key("user_id").text(view.user.text());
  json.key("version").number(view.cart.version);
  json.key("articles").begin_array();
  for (const auto& line : view.cart.lines) {
    json.begin_object();
    json.key("id").text(line.key.article_id());
    json.key("article_id").text(line.key.article_id());
    json.key("quantite_utilisateur").decimal(line.quantity.to_text());
    json.end_object();
  }
  json.end_array();
  json.key("articles_indisponibles").begin_array().end_array();
  json.key("total").decimal("0");
  json.key("total_complet").boolean(view.cart.lines.empty());
  json.key("nombre_articles").number(static_cast<std::int64_t>(view.cart.lines.size()));
  json.end_object();
  return json;
}

} // namespace

http::Response write_answer(const commit::Receipt& receipt,
                            const std::optional<cart::LineKey>& article, bool has_mirror) {
  auto response = answer_by_kind(receipt, article);
  if (has_mirror && !receipt.mirrored) response.headers.add("X-Panier-Mirror", "pending");
  return response;
}

http::Response cart_answer(const commit::View& view, std::string_view if_none_match) {
  auto response = json_answer(200, cart_body(view));
  // A degraded read may show a write that is aborted a moment later, so its version alone does not
  // name its content.
  const auto etag = view.degraded ? hashed_etag(view.cart.version, response.body)
                                  : version_etag(view.cart.version);
  response.headers.set("Cache-Control", "private, no-cache");
  response.headers.add("ETag", etag);
  if (view.degraded) response.headers.add("X-Panier-Degraded", "mirror");
  if (!names_etag(if_none_match, etag)) return response;
  response.status = 304;
  response.content_type.clear();
  response.body.clear();
  return response;
}

} // namespace panier::api
