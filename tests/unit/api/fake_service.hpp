// A CartService that answers what it is told and remembers what it was asked, and a client that
// sends a request through a router as the transport does.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "http/router.hpp"
#include "service/cart_service.hpp"

namespace panier::test {

class FakeService final : public service::CartService {
public:
  void write(commit::WriteRequest request, commit::WriteDone done) override {
    writes.push_back(std::move(request));
    done(write_result);
  }
  void read(commit::UserId user, service::ShownDone done) override {
    reads.push_back(std::move(user));
    if (!read_result) return done(std::unexpected(read_result.error()));
    done(service::ShownCart{.view = *read_result, .findings = findings});
  }
  [[nodiscard]] service::Health health() const override { return health_now; }
  [[nodiscard]] service::Policy policy() const override { return policy_now; }
  void set_policy(service::Policy policy) override { policy_now = policy; }
  [[nodiscard]] Result<void> ready() const override { return ready_now; }

  Result<commit::Receipt> write_result = fail(Errc::internal, "the test set no answer");
  Result<commit::View> read_result = fail(Errc::internal, "the test set no answer");
  std::optional<std::vector<catalogue::Finding>> findings; // nullopt: no articles service
  service::Health health_now;
  service::Policy policy_now = service::Policy::strict;
  Result<void> ready_now;
  std::vector<commit::WriteRequest> writes;
  std::vector<commit::UserId> reads;
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline http::Response send(const http::Router& router, http::Method method, std::string path,
                           const HeaderList& headers = {}, std::string body = {}) {
  http::Request request;
  request.method = method;
  request.path = std::move(path);
  for (const auto& [name, value] : headers)
    request.headers.add(name, value);
  request.body = std::move(body);
  auto match = router.match(request);
  std::optional<http::Response> response;
  if (match.handler == nullptr) {
    response = std::move(match.error);
  } else {
    auto handed_over = request;
    (*match.handler)(std::move(handed_over),
                     [&response](http::Response answer) { response = std::move(answer); });
  }
  router.finish(request, response.value());
  return *std::move(response);
}

// All values of a header; "(absent)" when there is none.
inline std::string header(const http::Response& response, std::string_view name) {
  return response.headers.count(name) == 0 ? "(absent)" : response.headers.joined(name);
}

} // namespace panier::test
