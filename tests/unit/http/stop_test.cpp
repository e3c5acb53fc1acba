// The beginning and the end of a server: bind errors are told, what is in flight is finished,
// nothing is waited for for ever.
#include <future>
#include <mutex>
#include <thread>

#include "raw_client.hpp"

namespace panier::http::test {
namespace {

constexpr std::string_view hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

class StopTest : public testing::Test {
protected:
  StopTest() {
    add_common_routes(router_);
    router_.add(Method::get, "/slow", "slow",
                [this](Request&&, Respond respond) { given_.set_value(std::move(respond)); });
  }
  Settings settings_ = [] {
    auto settings = quick_settings();
    settings.request_timeout = 20s;
    settings.idle_timeout = 60s;
    return settings;
  }();
  std::promise<Respond> given_;
  Router router_{error_page};
};

TEST_F(StopTest, ABindErrorNamesHostAndPort) {
  Server first(settings_, router_);
  ASSERT_TRUE(first.start());
  settings_.port = first.port();
  Server second(settings_, router_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::config_invalid);
  EXPECT_NE(started.error().detail.find("127.0.0.1:" + std::to_string(first.port())),
            std::string::npos)
      << started.error().detail;
  settings_.host = "no.such.host.invalid";
  Server third(settings_, router_);
  EXPECT_FALSE(third.start());
}

TEST_F(StopTest, AllAddressesIncludeIPv4) {
  settings_.host = "::";
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  EXPECT_EQ(RawClient(server.port()).ask(hello).status, 200U); // by 127.0.0.1
}

TEST_F(StopTest, TwoServersLiveSideBySide) {
  Server first(settings_, router_);
  Server second(settings_, router_);
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(second.start());
  EXPECT_EQ(RawClient(first.port()).ask(hello).status, 200U);
  first.stop(1s);
  EXPECT_EQ(RawClient(second.port()).ask(hello).status, 200U);
  EXPECT_FALSE(RawClient(first.port()).connected());
}

TEST_F(StopTest, IdleConnectionsDoNotDelayTheEnd) {
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  RawClient fresh(server.port());
  RawClient used(server.port());
  EXPECT_EQ(used.ask(hello).status, 200U);
  const auto began = std::chrono::steady_clock::now();
  server.stop(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
  EXPECT_EQ(server.connections(), 0U);
  server.stop(10s); // again: nothing
}

TEST_F(StopTest, WhatIsInFlightIsFinished) {
  settings_.threads = 1; // so that what one connection sees holds for the others
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  RawClient slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  auto respond = given_.get_future().get();
  RawClient half(server.port());
  half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(half.read().status, 100U); // so the server has seen it
  RawClient idle(server.port());
  EXPECT_EQ(idle.ask(hello).status, 200U);

  auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
  EXPECT_TRUE(idle.closed()); // the server is stopping now
  half.send("body");
  const auto echo = half.read();
  EXPECT_EQ(echo.body, "body");
  EXPECT_EQ(echo.header("Connection"), "close");
  respond(text("slow"));
  const auto answer = slow.read();
  EXPECT_EQ(answer.body, "slow");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(stopped.wait_for(10s), std::future_status::ready);
}

TEST_F(StopTest, ARequestThatIsAlreadyHereIsStillAnswered) {
  std::promise<void> entered;
  std::promise<void> release;
  router_.add(Method::get, "/block", "block", [&](Request&&, Respond respond) {
    entered.set_value();
    release.get_future().wait(); // no handler should; it stands for a busy thread
    respond(text("done"));
  });
  Server server(settings_, router_); // two threads; connections go to the one that has fewer
  ASSERT_TRUE(server.start());
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(server.port());
    EXPECT_EQ(clients.back().ask(hello).status, 200U);
  }
  clients[1].send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n");
  entered.get_future().wait();
  clients[3].send(hello); // to the thread that is busy
  auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
  EXPECT_TRUE(clients[0].closed()); // stopping has begun
  release.set_value();
  EXPECT_EQ(clients[1].read().body, "done");
  EXPECT_EQ(clients[3].read().body, "hello");
  clients.clear();
}

TEST_F(StopTest, WhatAHandlerStillOwesIsAnsweredInItsPlace) {
  std::promise<Respond> given;
  router_.add(Method::patch, "/slow", "slow write",
              [&](Request&&, Respond respond) { given.set_value(std::move(respond)); });
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  RawClient reader(server.port()), writer(server.port());
  reader.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  writer.send("PATCH /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  auto read = given_.get_future().get();
  auto write = given.get_future().get();
  server.stop(100ms);
  EXPECT_EQ(reader.read().body, to_string(Errc::overloaded));
  EXPECT_EQ(writer.read().body, to_string(Errc::outcome_unknown)) << "it may have been done";
  read(text("late"));
  write(text("late"));
}

TEST_F(StopTest, WhoDoesNotTakeTheAnswerIsCutOff) {
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  RawClient slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  auto respond = given_.get_future().get();
  const auto began = std::chrono::steady_clock::now();
  server.stop(100ms); // the client keeps its end open
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(server.connections(), 0U);
  respond(text("late"));
}

TEST_F(StopTest, UnderLoadEveryAnswerIsWholeOrAbsent) {
  settings_.threads = 4;
  Server server(settings_, router_);
  ASSERT_TRUE(server.start());
  std::atomic<int> answered{0};
  std::vector<std::jthread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (;;) {
        RawClient client(server.port());
        if (!client.connected()) return; // stopped
        for (;;) {
          const auto answer = client.ask(hello);
          if (answer.status == 0) break; // closed between requests, as keep-alive may be
          EXPECT_EQ(answer.body, "hello");
          ++answered;
          if (answer.header("Connection") == "close") break;
        }
      }
    });
  }
  while (answered < 500)
    std::this_thread::yield();
  server.stop(5s);
  clients.clear();
  EXPECT_EQ(server.connections(), 0U);
}

} // namespace
} // namespace panier::http::test
