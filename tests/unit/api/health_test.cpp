// Health tells both stores by their names, and is an error only when none can serve.
#include "api/health_answer.hpp"

#include <gtest/gtest.h>

#include "fake_service.hpp"

namespace panier::api {
namespace {

using Status = service::Health::Status;
using StoreStatus = runtime::StoreState::Status;
using test::header;

service::Health some_health() {
  service::Health health;
  health.ledger = {.name = "mariadb",
                   .status = StoreStatus::up,
                   .latency = std::chrono::microseconds(812),
                   .since = runtime::WallTime(std::chrono::milliseconds(1764000000123)),
                   .last_error = {},
                   .notice = {}};
  health.mirror = {.name = "mongodb",
                   .status = StoreStatus::down,
                   .latency = std::chrono::microseconds(12'034),
                   .since = runtime::WallTime(std::chrono::milliseconds(1764000000123)),
                   .last_error = "connection \"refused\"",
                   .notice = "unique index missing"};
  health.lag = 3;
  health.instance = "i1";
  health.version = "0.1.0";
  health.uptime = std::chrono::seconds(61);
  return health;
}

constexpr const char* mariadb =
    R"("mariadb":{"status":"up","latency_ms":0.812,"since":"2025-11-24T16:00:00.123Z",)"
    R"("last_error":null,"notice":null})";
constexpr const char* mongodb =
    R"("mongodb":{"status":"down","latency_ms":12.034,"since":"2025-11-24T16:00:00.123Z",)"
    R"("last_error":"connection \"refused\"","notice":"unique index missing"})";

TEST(Health, TellsBothStores) {
  auto health = some_health();
  health.status = Status::degraded;
  health.policy = service::Policy::available;
  const auto response = health_answer(health);
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.body,
            std::string(R"({"error":false,"status":"degraded","policy":"available","lag":3,)"
                        R"("instance":"i1","version":"0.1.0","uptime_s":61,"stores":{)") +
                mariadb + "," + mongodb + "}}");
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
}

TEST(Health, WithoutAMirrorThereIsOneStore) {
  auto health = some_health();
  health.mirror = {};
  EXPECT_TRUE(health_answer(health).body.ends_with(std::string(R"("stores":{)") + mariadb + "}}"));
}

TEST(Health, DownIsAnErrorLikeAnyOther) {
  auto health = some_health();
  health.status = Status::down;
  const auto response = health_answer(health);
  EXPECT_EQ(response.status, 503u);
  EXPECT_TRUE(response.body.starts_with(
      R"({"error":true,"code":"stores_unavailable","message":"Aucune des deux bases n'est )"
      R"(disponible.","status":"down","policy":"strict","lag":3,)"))
      << response.body;
  EXPECT_EQ(header(response, "Retry-After"), "2");
}

} // namespace
} // namespace panier::api
