// Whole requests, one behind the other as on one connection, to a service that only applies them:
// every one is answered once, in the documented words, and the carts stay within their bounds.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>

#include "api/cart_api.hpp"
#include "fuzz.hpp"
#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"

namespace panier::fuzz {
namespace {

using http::Method;
using http::Request;
using http::Response;

constexpr http::ParserLimits parser_limits{
    .headers_count_max = 100, .headers_bytes_max = 16'384, .body_bytes_max = 65'536};
constexpr cart::Limits cart_limits{.lines_max = 4};
constexpr std::size_t requests_max = 32; // of one input

// The pure half of the real service: cart::apply() on carts in a map.
class Carts final : public service::CartService {
public:
  void write(commit::WriteRequest request, commit::WriteDone done) override {
    const auto& operation = request.operation;
    auto [at, fresh] = carts_.try_emplace(operation.user);
    auto outcome = cart::apply(at->second, operation, next_++, cart_limits);
    if (!outcome) return done(std::unexpected(std::move(outcome.error())));
    done(commit::Receipt{.outcome = *outcome, .mirrored = true});
  }
  void read(commit::UserId user, service::ShownDone done) override {
    const auto at = carts_.find(user);
    if (at == carts_.end() || !at->second.exists) return done(fail(Errc::cart_not_found));
    done(service::ShownCart{.view = {.user = user, .cart = at->second, .id_maria = 1},
                            .findings = std::nullopt});
  }
  [[nodiscard]] service::Health health() const override { return {}; }
  [[nodiscard]] service::Policy policy() const override { return service::Policy::strict; }
  void set_policy(service::Policy) override {}
  [[nodiscard]] Result<void> ready() const override { return {}; }

  [[nodiscard]] const std::map<cart::UserId, cart::Cart>& all() const { return carts_; }

private:
  std::map<cart::UserId, cart::Cart> carts_;
  cart::Version next_ = 1;
};

Response send(const http::Router& router, Request request) {
  auto match = router.match(request);
  std::optional<Response> response;
  const auto asked = request;
  if (match.handler == nullptr)
    response = std::move(match.error);
  else
    (*match.handler)(std::move(request), [&](Response answer) {
      promise(!response, "a request is answered once");
      response = std::move(answer);
    });
  promise(response.has_value(), "a request is answered");
  router.finish(asked, *response);
  return *std::move(response);
}

std::string_view text(const boost::json::object& json, std::string_view name) {
  const auto* value = json.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "";
}

void promise_error(const Response& response, const boost::json::object& json) {
  promise(!text(json, "code").empty() && !text(json, "message").empty(), "an error is told");
  const bool about_field = text(json, "code") == "invalid_field";
  const auto field = text(json, "field");
  promise(!about_field || !field.empty(), "an error of a field names it", response.body);
  promise(response.status != 405 || response.headers.find("Allow") != nullptr, "405 says Allow");
}

void promise_documented(const Request& request, const Response& response) {
  static const std::set<unsigned> known = {200, 201, 204, 304, 400, 404, 405, 412, 415, 422};
  promise(known.contains(response.status), "a status is one of the contract's",
          std::to_string(response.status));
  for (const auto& [name, value] : response.headers.all())
    promise(value.find_first_of("\r\n") == value.npos, "an answer's header is one line", name);
  if (response.status == 204 || response.status == 304) {
    promise(response.body.empty(), "no body where there must be none");
    return;
  }
  if (response.content_type == "application/yaml") return;
  boost::json::error_code error;
  const auto json = boost::json::parse(response.body, error);
  promise(!error && json.is_object(), "an answer is a JSON object", response.body);
  const auto* failed = json.get_object().if_contains("error");
  promise((failed != nullptr && failed->is_bool()) || request.path == "/paniers/health",
          "an answer says whether it is an error", response.body);
  if (failed == nullptr) return;
  promise(failed->get_bool() == (response.status >= 400), "and its status says the same");
  if (failed->get_bool()) promise_error(response, json.get_object());
}

void promise_sound(const Carts& carts) {
  for (const auto& [user, cart] : carts.all()) {
    promise(cart::is_identifier(user.text()) && user.text() != "health", "a user is an identifier");
    promise(cart.lines.size() <= cart_limits.lines_max, "a cart has its limit of lines");
    for (const auto& line : cart.lines)
      promise(line.quantity.positive() &&
                  line.quantity.thousandths() <= cart::Quantity::thousandths_max,
              "a line holds 0.001 to 1,000,000", line.quantity.to_text());
  }
}

// What a reader is told of each cart is what it holds.
void promise_shown(const http::Router& router, const Carts& carts) {
  for (const auto& [user, cart] : carts.all()) {
    Request request;
    request.path = "/paniers/" + user.text();
    const auto response = send(router, std::move(request));
    promise(response.status == (cart.exists ? 200U : 404U), "a cart is there, or is not");
    if (!cart.exists) continue;
    const auto json = boost::json::parse(std::string_view(response.body));
    const auto& lines = json.at("rs").at("articles").as_array();
    promise(lines.size() == cart.lines.size(), "every line is shown");
    for (std::size_t at = 0; at < lines.size(); ++at) {
      const auto& line = cart.lines[at];
      promise(text(lines[at].as_object(), "article_id") == line.key.article_id(), "by its article");
      promise(response.body.find("\"quantite_utilisateur\":" + line.quantity.to_text()) !=
                  std::string::npos,
              "with its quantity");
    }
  }
}

// The next request at the start of `wire`, taken off it; nullopt: none that the transport takes.
std::optional<Request> next_request(std::string_view& wire) {
  http::HeadScanner scanner;
  if (scanner.scan(wire) != http::HeadScanner::Found::end) return std::nullopt;
  Request request;
  http::RequestParser parser(parser_limits, request);
  if (!parser.head(wire.substr(0, scanner.head_size()))) return std::nullopt;
  wire.remove_prefix(scanner.head_size());
  if (!parser.done()) {
    const auto used = parser.body(wire);
    if (!used || !parser.done()) return std::nullopt;
    wire.remove_prefix(*used);
  }
  return request;
}

void check(std::string_view wire) {
  Carts carts;
  const auto router = api::make_cart_router(
      carts, {.cors_origins = {"https://shop.example"}, .cors = true, .has_mirror = true});
  for (std::size_t n = 0; n < requests_max; ++n) {
    const auto request = next_request(wire);
    if (!request) break;
    promise_documented(*request, send(router, *request));
  }
  promise_sound(carts);
  promise_shown(router, carts);
}

} // namespace
} // namespace panier::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  panier::fuzz::check(panier::fuzz::text_of(data, size));
  return 0;
}
