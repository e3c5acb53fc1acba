#include "api/cart_answer.hpp"

#include "api/etag.hpp"
#include "api/responses.hpp"
#include "catalogue/decimal.hpp"

namespace panier::api {

namespace {

using cart::OperationKind;
using catalogue::Cents;
using catalogue::cents_text;
using catalogue::Finding;

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

// Why a line is not among the articles: a code for programs, a text for people.
struct Reason {
  std::string_view code;
  std::string_view text;
};

Reason reason_of(Finding::State state) {
  switch (state) {
  case Finding::State::not_found: return {"article_not_found", "Article introuvable."};
  case Finding::State::invalid:
    return {"article_invalid", "Les données de l'article sont inutilisables."};
  case Finding::State::late:
    return {"articles_late", "Le service des articles n'a pas répondu à temps."};
  case Finding::State::unavailable:
  case Finding::State::fresh: // an article is there
  case Finding::State::stale: break;
  }
  return {"articles_unavailable", "Le service des articles ne répond pas."};
}

JsonWriter& begin_line(JsonWriter& json, const cart::Line& line) {
  json.begin_object();
  json.key("id").text(line.key.article_id());
  json.key("article_id").text(line.key.article_id());
  return json.key("quantite_utilisateur").decimal(line.quantity.to_text());
}

void priced_line(JsonWriter& json, const cart::Line& line, const Finding& finding, Cents cents) {
  begin_line(json, line);
  json.members(finding.article->members);
  json.key("sous_total").decimal(cents_text(cents));
  if (finding.state == Finding::State::stale) {
    json.key("prix_obsolete").boolean(true);
    json.key("prix_age_s").number(finding.age.count());
  }
  json.end_object();
}

void missing_line(JsonWriter& json, const cart::Line& line, const Finding& finding) {
  const auto reason = reason_of(finding.state);
  begin_line(json, line).key("code").text(reason.code).key("raison").text(reason.text);
  json.end_object();
}

// The lines as the articles service knows them. One whose article cannot be had is never among the
// articles: the shop would order it for free.
void priced_lines(JsonWriter& json, const std::vector<cart::Line>& lines,
                  const std::vector<Finding>& findings) {
  Cents total = 0; // of what is shown, so that the page adds up
  bool complete = true;
  json.key("articles").begin_array();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!findings[i].article) {
      complete = false;
      continue;
    }
    const auto cents = catalogue::subtotal(findings[i].article->price, lines[i].quantity);
    total += cents;
    priced_line(json, lines[i], findings[i], cents);
  }
  json.end_array();
  json.key("articles_indisponibles").begin_array();
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (!findings[i].article) missing_line(json, lines[i], findings[i]);
  json.end_array();
  json.key("total").decimal(cents_text(total));
  json.key("total_complet").boolean(complete);
}

// Without an articles service nothing is priced. So the sum is that of no line, and complete only
// when there is no line.
void plain_lines(JsonWriter& json, const std::vector<cart::Line>& lines) {
  json.key("articles").begin_array();
  for (const auto& line : lines)
    begin_line(json, line).end_object();
  json.end_array();
  json.key("articles_indisponibles").begin_array().end_array();
  json.key("total").decimal("0");
  json.key("total_complet").boolean(lines.empty());
}

JsonWriter cart_body(const service::ShownCart& shown) {
  const auto& [view, findings] = shown;
  auto json = success_body();
  json.key("rs").begin_object();
  json.key("id").text(view.cart.id.hex());
  json.key("id_maria").number(view.id_maria);
  json.key("user_id").text(view.user.text());
  json.key("version").number(view.cart.version);
  if (findings)
    priced_lines(json, view.cart.lines, *findings);
  else
    plain_lines(json, view.cart.lines);
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

http::Response cart_answer(const service::ShownCart& cart, std::string_view if_none_match) {
  const auto& view = cart.view;
  auto response = json_answer(200, cart_body(cart));
  // A degraded read may show a write that is aborted a moment later, and articles have lives of
  // their own: then the version alone does not name the content.
  const bool only_version = !view.degraded && !cart.findings;
  const auto etag = only_version ? version_etag(view.cart.version)
                                 : hashed_etag(view.cart.version, response.body);
  response.headers.set("Cache-Control", "private, no-cache");
  response.headers.add("ETag", etag);
  if (view.degraded) response.headers.add("X-Panier-Degraded", "mirror");
  if (!names_etag(if_none_match, etag)) return response;
  response.status = 304;
  response.content_type = {};
  response.body.clear();
  return response;
}

} // namespace panier::api
