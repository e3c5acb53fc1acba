#include "api/health_answer.hpp"

#include <algorithm>

#include "api/messages.hpp"
#include "api/responses.hpp"
#include "runtime/iso_time.hpp"

namespace panier::api {

namespace {

using Status = service::Health::Status;
using StoreStatus = runtime::StoreState::Status;

std::string_view to_string(Status status) {
  switch (status) {
  case Status::ok: return "ok";
  case Status::degraded: return "degraded";
  case Status::down: return "down";
  }
  return "down";
}

std::string_view to_string(StoreStatus status) {
  switch (status) {
  case StoreStatus::unknown: return "unknown";
  case StoreStatus::up: return "up";
  case StoreStatus::down: return "down";
  }
  return "unknown";
}

// Microseconds as milliseconds: "0.812".
std::string milliseconds_text(std::chrono::microseconds latency) {
  const auto us = std::max<std::int64_t>(latency.count(), 0);
  auto fraction = std::to_string(1000 + us % 1000);
  fraction.front() = '.';
  return std::to_string(us / 1000) + fraction;
}

void text_or_null(JsonWriter& json, std::string_view key, std::string_view text) {
  json.key(key);
  text.empty() ? json.null() : json.text(text);
}

void write_store(JsonWriter& json, const runtime::StoreState::Snapshot& store) {
  json.key(store.name).begin_object();
  json.key("status").text(to_string(store.status));
  json.key("latency_ms").decimal(milliseconds_text(store.latency));
  json.key("since").text(runtime::iso_time(store.since));
  text_or_null(json, "last_error", store.last_error);
  text_or_null(json, "notice", store.notice);
  json.end_object();
}

void write_health(JsonWriter& json, const service::Health& health) {
  json.key("status").text(to_string(health.status));
  json.key("policy").text(policy_name(health.policy));
  json.key("lag").number(health.lag);
  json.key("instance").text(health.instance);
  json.key("version").text(health.version);
  json.key("uptime_s").number(health.uptime.count());
  json.key("stores").begin_object();
  write_store(json, health.ledger);
  if (!health.mirror.name.empty()) write_store(json, health.mirror);
  json.end_object();
}

} // namespace

std::string_view policy_name(service::Policy policy) noexcept {
  return policy == service::Policy::strict ? "strict" : "available";
}

http::Response health_answer(const service::Health& health) {
  if (health.status != Status::down) {
    auto json = success_body();
    write_health(json, health);
    return json_answer(200, std::move(json));
  }
  const Error error{.code = Errc::stores_unavailable};
  auto json = error_body(error);
  write_health(json, health);
  return end_error_answer(error, std::move(json));
}

} // namespace panier::api
