// The wire double where a program uses it: faults ordered over the wire, and many slow connections.
#include "mongo_fixture.hpp"
#include "support/wire_double.hpp"

#include <mongoc/mongoc.h>

#include <future>

namespace panier::contract {
namespace {

using support::WireDouble;

// {panierFault: .., ..} as any driver would send it; false: refused.
bool order(const WireDouble& server, std::string_view json) {
  bson_error_t error{};
  bson_t command;
  if (!bson_init_from_json(&command, json.data(), static_cast<ssize_t>(json.size()), &error))
    throw std::runtime_error(static_cast<const char*>(error.message));
  mongoc_client_t* client = mongoc_client_new(server.uri().c_str());
  const bool done =
      mongoc_client_command_simple(client, "admin", &command, nullptr, nullptr, &error);
  mongoc_client_destroy(client);
  bson_destroy(&command);
  return done;
}

TEST(WireDoubleFaults, AreOrderedAndTakenBackByACommand) {
  WireDouble server;
  const auto store = mongo_store(server.uri());
  const auto mirror = store->connect();
  must(mirror->ensure_index(true, 2s));
  const std::vector writes{cart_of(user("a"), 1, 10), cart_of(user("b"), 2, 10)};
  const std::vector held(2, Took::held);

  ASSERT_TRUE(order(server, R"({"panierFault": "update", "kind": "write_errors", "code": 121,
                                "indexes": [1], "skip": 1})"));
  EXPECT_EQ(must(mirror->write(std::span(writes).first(1), 2s)), std::vector{Took::held});
  EXPECT_EQ(must(mirror->write(writes, 2s)), (std::vector{Took::refused, Took::failed}));

  ASSERT_TRUE(
      order(server, R"({"panierFault": "findAndModify", "kind": "hang_before", "times": -1})"));
  EXPECT_FALSE(mirror->ping(100ms));
  ASSERT_TRUE(order(server, R"({"panierFault": "clear"})"));
  must(mirror->ping(2s));

  EXPECT_FALSE(order(server, R"({"panierFault": "update", "kind": "no such kind"})"));
}

TEST(WireDoubleDelay, ConnectionsDoNotWaitForEachOther) {
  constexpr int mirrors = 12;
  constexpr auto delay = 100ms;
  WireDouble server({.delay = delay});
  const auto store = mongo_store(server.uri());
  const auto time = timed([&] {
    std::vector<std::future<void>> all;
    all.reserve(mirrors);
    for (int n = 0; n < mirrors; ++n)
      all.push_back(std::async(std::launch::async, [&store, n] {
        const auto one = cart_of(numbered(n), n, 10);
        EXPECT_EQ(must(store->connect()->write(std::span(&one, 1), 2s)), std::vector{Took::held});
      }));
    for (auto& one : all)
      one.get();
  });
  EXPECT_GE(time, delay);
  EXPECT_LT(time, delay * mirrors);
}

TEST(WireDoubleDelay, MayBeLessThanAMillisecond) {
  constexpr int writes = 20;
  constexpr auto delay = 900us;
  WireDouble server({.delay = delay});
  const auto store = mongo_store(server.uri());
  const auto mirror = store->connect();
  must(mirror->ensure_index(true, 2s));
  const auto time = timed([&] {
    for (int n = 0; n < writes; ++n) {
      const auto one = cart_of(numbered(n), n, 10);
      EXPECT_EQ(must(mirror->write(std::span(&one, 1), 2s)), std::vector{Took::held});
    }
  });
  EXPECT_GE(time, delay * writes);
}

} // namespace
} // namespace panier::contract
