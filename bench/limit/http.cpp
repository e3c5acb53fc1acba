#include "limit.hpp"

#include "api/cart_answer.hpp"
#include "api/responses.hpp"
#include "program.hpp"

namespace panier::bench {
namespace {

http::Response write_answer() {
  const commit::Receipt receipt{.outcome = {.kind = cart::OperationKind::add,
                                            .id = {},
                                            .version = 1'764'000'000'000,
                                            .quantity = cart::Quantity::from_thousandths(500'010),
                                            .changed = true}};
  return api::write_answer(receipt, article_of(1), true);
}

http::Response cart_answer(int lines) {
  commit::View view{.user = user_of({}, 0),
                    .cart = {.id = {}, .version = 1'764'000'000'000, .exists = true, .lines = {}},
                    .id_maria = 1};
  for (int line = 1; line <= lines; ++line)
    view.cart.lines.push_back({article_of(line), cart::Quantity::from_thousandths(500'010)});
  return api::cart_answer({.view = std::move(view), .findings = std::nullopt}, {});
}

http::Handler answering(http::Response response) {
  return [response = std::move(response)](http::Request&&, http::Respond respond) {
    respond(response);
  };
}

} // namespace

void serve_null_routes(std::uint16_t port, unsigned threads, int lines) {
  http::Router router(api::error_answer);
  router.add(http::Method::get, "/paniers/{user_id}", "get_cart", answering(cart_answer(lines)));
  for (const std::string_view route : {"add_to_cart", "edit_cart"}) {
    router.add(http::Method::patch, "/paniers/" + std::string(route) + "/{user_id}",
               std::string(route), answering(write_answer()));
  }
  serve(router, port, threads);
}

} // namespace panier::bench
