// The operator's listener.
#include "api/ops_api.hpp"

#include <gtest/gtest.h>

#include "fake_service.hpp"

namespace panier::api {
namespace {

using http::Method;
using test::header;
using test::send;

class OpsApi : public testing::Test {
protected:
  test::FakeService service_;
  http::Router router_ = make_ops_router(service_, [] { return std::string("panier_up 1\n"); });
};

TEST_F(OpsApi, Metrics) {
  const auto response = send(router_, Method::get, "/metrics");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "panier_up 1\n");
}

TEST_F(OpsApi, LivenessDoesNotDependOnTheStores) {
  service_.ready_now = fail(Errc::ledger_unavailable);
  const auto response = send(router_, Method::get, "/livez");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, R"({"error":false,"status":"alive"})");
}

TEST_F(OpsApi, ReadinessDoes) {
  auto response = send(router_, Method::get, "/readyz");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, R"({"error":false,"status":"ready"})");
  service_.ready_now = fail(Errc::ledger_unavailable);
  response = send(router_, Method::get, "/readyz");
  EXPECT_EQ(response.status, 503u);
  EXPECT_TRUE(response.body.ends_with(R"("status":"not_ready"})")) << response.body;
  EXPECT_EQ(header(response, "Retry-After"), "2");
}

TEST_F(OpsApi, ReadinessNamesWhatAWriteWouldBeTold) {
  for (const auto code : {Errc::ledger_unavailable, Errc::mirror_unavailable,
                          Errc::stores_unavailable, Errc::schema_unmigrated}) {
    service_.ready_now = fail(code, "not for everybody: 10.0.0.1");
    const auto response = send(router_, Method::get, "/readyz");
    EXPECT_EQ(response.status, 503u);
    const auto start =
        R"({"error":true,"code":")" + std::string(to_string(code)) + R"(","message":)";
    EXPECT_TRUE(response.body.starts_with(start)) << response.body;
    EXPECT_EQ(response.body.find("10.0.0.1"), std::string::npos) << response.body;
  }
}

TEST_F(OpsApi, PolicyIsReadAndSwitched) {
  EXPECT_EQ(send(router_, Method::get, "/policy").body, R"({"error":false,"policy":"strict"})");
  const auto response = send(router_, Method::put, "/policy",
                             {{"Content-Type", "application/json"}}, R"({"policy":"available"})");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body, R"({"error":false,"policy":"available"})");
  EXPECT_EQ(service_.policy_now, service::Policy::available);
  send(router_, Method::put, "/policy", {}, R"({"policy":"strict"})");
  EXPECT_EQ(service_.policy_now, service::Policy::strict);
}

TEST_F(OpsApi, AWrongPolicyChangesNothing) {
  service_.policy_now = service::Policy::available;
  const std::pair<const char*, unsigned> table[] = {
      {"", 400},
      {"strict", 400},
      {"{}", 422},
      {R"({"policy":null})", 422},
      {R"({"policy":"Strict"})", 422},
      {R"({"policy":"strict","policy":"strict"})", 400},
  };
  for (const auto& [body, status] : table) {
    const auto response = send(router_, Method::put, "/policy", {}, body);
    EXPECT_EQ(response.status, status) << body;
    EXPECT_EQ(response.body.ends_with(R"("field":"policy"})"), status == 422) << response.body;
  }
  EXPECT_EQ(send(router_, Method::put, "/policy", {{"Content-Type", "text/plain"}},
                 R"({"policy":"strict"})")
                .status,
            415u);
  EXPECT_EQ(service_.policy_now, service::Policy::available);
}

TEST_F(OpsApi, OtherMethodsAndPathsAreRefused) {
  EXPECT_EQ(send(router_, Method::del, "/policy").status, 405u);
  EXPECT_EQ(send(router_, Method::get, "/paniers/u1").status, 404u);
  EXPECT_EQ(send(router_, Method::head, "/readyz").status, 200u);
}

} // namespace
} // namespace panier::api
