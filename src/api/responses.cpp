#include "api/responses.hpp"

#include "api/messages.hpp"
#include "cart/quantity.hpp"
#include "runtime/log.hpp"

namespace panier::api {

JsonWriter success_body() {
  JsonWriter json;
  json.begin_object().key("error").boolean(false);
  return json;
}

http::Response json_answer(unsigned status, JsonWriter body) {
  http::Response response;
  response.status = status;
  response.headers.add("Cache-Control", "no-store");
  response.body = body.end_object().take();
  return response;
}

JsonWriter error_body(const Error& error) {
  const auto message = message_of(error.code);
  JsonWriter json;
  json.begin_object().key("error").boolean(true);
  json.key("code").text(message.code).key("message").text(message.text);
  if (!error.field.empty()) json.key("field").text(error.field);
  if (error.shortage) {
    const auto text = [](std::int64_t n) { return cart::Quantity::from_thousandths(n).to_text(); };
    json.key("stock").decimal(text(error.shortage->stock));
    json.key("quantite").decimal(text(error.shortage->quantity));
  }
  return json;
}

http::Response end_error_answer(const Error& error, JsonWriter body) {
  const auto message = message_of(error.code);
  auto response = json_answer(message.status, std::move(body));
  if (message.retry_after)
    response.headers.add("Retry-After", std::to_string(message.retry_after->count()));
  return response;
}

http::Response error_answer(const Error& error) {
  return end_error_answer(error, error_body(error));
}

http::Response failure_answer(const Error& error, std::string_view route) {
  auto response = error_answer(error);
  if (response.status == 500) {
    runtime::log::error("request failed", {{"route", route},
                                           {"errc", to_string(error.code)},
                                           {"field", error.field},
                                           {"detail", error.detail}});
  }
  return response;
}

} // namespace panier::api
