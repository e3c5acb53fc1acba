// Requests and answers on a good day: persistence, order, HEAD, 100-continue, and handlers that
// answer from elsewhere, twice, late or never.
#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "raw_client.hpp"

namespace panier::http::test {
namespace {

constexpr std::string_view hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

class ExchangeTest : public testing::Test {
protected:
  ExchangeTest() { add_common_routes(router_); }
  ~ExchangeTest() override { server_.stop(1s); }
  void route(std::string_view path, Handler handler) {
    router_.add(Method::get, path, std::string(path.substr(1)), std::move(handler));
  }
  RawClient connect() {
    if (server_.port() == 0) {
      EXPECT_TRUE(server_.start());
    }
    return RawClient(server_.port());
  }
  static std::string get(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  // Waits for the hook, which runs after the client has its answer.
  std::vector<std::pair<std::string, unsigned>> finished(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] { return finished_.size() >= count; });
    return finished_;
  }

  [[nodiscard]] bool connections_become(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return open_ == count; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int open_ = 0;                                           // connections; guarded by mutex_
  std::vector<std::pair<std::string, unsigned>> finished_; // guarded by mutex_
  std::atomic<int> opened_{0};
  std::atomic<int> troubles_{0};
  Router router_{error_page};
  Server server_{quick_settings(), router_,
                 Hooks{.finished =
                           [this](const Finished& f) {
                             const std::scoped_lock lock(mutex_);
                             finished_.emplace_back(f.route, f.status);
                             changed_.notify_all();
                           },
                       .connections =
                           [this](int change) {
                             const std::scoped_lock lock(mutex_);
                             if (change > 0) ++opened_;
                             open_ += change;
                             changed_.notify_all();
                           },
                       .trouble = [this](const Error&) { ++troubles_; }}};
};

TEST_F(ExchangeTest, OneConnectionCarriesManyRequests) {
  auto client = connect();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(client.ask(hello).body, "hello");
  EXPECT_EQ(opened_, 1);
  EXPECT_EQ(server_.connections(), 1U);
  EXPECT_EQ(finished(100).size(), 100U);
  EXPECT_EQ(finished_.front(), std::pair(std::string("hello"), 200U));
}

TEST_F(ExchangeTest, PersistenceIsTheClientsChoice) {
  const struct {
    std::string bytes;
    std::string connection;
  } cases[] = {
      {"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", ""},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "close"},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", "close"},
      {"GET /hello HTTP/1.0\r\n\r\n", "close"},
      {"GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive"},
  };
  for (const auto& [bytes, connection] : cases) {
    auto client = connect();
    const auto answer = client.ask(bytes);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.header("Connection"), connection) << bytes;
    if (connection == "close") {
      EXPECT_TRUE(client.closed()) << bytes;
    } else {
      EXPECT_EQ(client.ask(hello).status, 200U) << bytes;
    }
  }
}

TEST_F(ExchangeTest, PipelinedRequestsAreAnsweredInOrder) {
  std::string bytes;
  for (int i = 0; i < 500; ++i)
    bytes += get("/user/" + std::to_string(i));
  auto client = connect();
  std::thread sender([&] { client.send(bytes); });
  for (int i = 0; i < 500; ++i)
    ASSERT_EQ(client.read().body, std::to_string(i));
  sender.join();
}

TEST_F(ExchangeTest, PipelinedBehindASlowHandlerWait) {
  std::promise<Respond> given;
  route("/slow", [&](Request&&, Respond respond) { given.set_value(std::move(respond)); });
  auto client = connect();
  client.send(get("/slow") + std::string(hello));
  auto respond = given.get_future().get();
  respond(text("slow"));
  EXPECT_EQ(client.read().body, "slow");
  EXPECT_EQ(client.read().body, "hello");
}

TEST_F(ExchangeTest, HeadIsGetWithoutTheBody) {
  auto client = connect();
  client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = client.read(false);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.header("Content-Length"), "5");
  client.send("HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read(false).header("Content-Length"), "15");
  EXPECT_EQ(client.ask(hello).body, "hello");
}

TEST_F(ExchangeTest, OptionsAndAllow) {
  auto client = connect();
  const auto options = client.ask("OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(options.status, 204U);
  EXPECT_EQ(options.header("Allow"), "POST, PATCH, OPTIONS");
  const auto refused = client.ask("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(refused.status, 405U);
  EXPECT_EQ(refused.header("Allow"), "POST, PATCH, OPTIONS");
}

TEST_F(ExchangeTest, ContinueIsSentToWhoAsksForIt) {
  auto client = connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read().status, 100U);
  EXPECT_EQ(client.ask("abc").body, "abc");
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: "
              "chunked\r\n\r\n");
  EXPECT_EQ(client.read().status, 100U);
  EXPECT_EQ(client.ask("3\r\nabc\r\n0\r\n\r\n").body, "abc");
}

TEST_F(ExchangeTest, ContinueIsNotSentWhenItMakesNoSense) {
  auto client = connect();
  // The body is there already, there is none, or HTTP/1.0 does not know the word.
  EXPECT_EQ(client
                .ask("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                     "3\r\n\r\nabc")
                .body,
            "abc");
  EXPECT_EQ(
      client
          .ask(
              "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
          .status,
      200U);
  client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.ask("abc").body, "abc");
}

TEST_F(ExchangeTest, RefusalsComeInsteadOfContinue) {
  const struct {
    std::string line;
    std::string length;
    unsigned status;
  } cases[] = {
      {"POST /nowhere", "3", 404}, {"DELETE /echo", "3", 405}, {"POST /echo", "99999", 413}};
  for (const auto& [line, length, status] : cases) {
    auto client = connect();
    const auto answer = client.ask(
        line + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " + length +
        "\r\n\r\n");
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("Connection"), "close"); // nobody knows whether the body will follow
    client.finish_sending();
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(ExchangeTest, AnswersMayComeFromAnyThread) {
  std::vector<std::jthread> threads;
  std::mutex mutex;
  route("/elsewhere/{n}", [&](Request&& request, Respond respond) {
    const std::scoped_lock lock(mutex);
    threads.emplace_back(
        [n = request.params.at(0), answer = std::move(respond)]() mutable { answer(text(n)); });
  });
  std::vector<RawClient> clients;
  for (int i = 0; i < 20; ++i)
    clients.push_back(connect());
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i)
      clients[i].send(get("/elsewhere/" + std::to_string(i)));
    for (std::size_t i = 0; i < clients.size(); ++i)
      ASSERT_EQ(clients[i].read().body, std::to_string(i));
  }
  const std::scoped_lock lock(mutex);
  threads.clear();
}

TEST_F(ExchangeTest, ADroppedRespondIsA500) {
  route("/drop", [](Request&&, Respond) {});
  route("/throw", [](Request&&, Respond) { throw std::runtime_error("oh"); });
  std::jthread elsewhere;
  route("/drop_elsewhere", [&](Request&&, Respond respond) {
    elsewhere = std::jthread([dropped = std::move(respond)] {});
  });
  auto client = connect();
  for (const char* path : {"/drop", "/throw", "/drop_elsewhere"}) {
    const auto answer = client.ask(get(path));
    EXPECT_EQ(answer.status, 500U) << path;
    EXPECT_EQ(answer.body, "internal");
  }
  EXPECT_EQ(client.ask(hello).status, 200U);
  EXPECT_EQ(troubles_, 1);
}

TEST_F(ExchangeTest, TheFirstAnswerCounts) {
  route("/twice", [](Request&&, Respond respond) {
    respond(text("one"));
    respond(text("two"));
  });
  route("/answer_and_throw", [](Request&&, Respond respond) {
    respond(text("done"));
    throw 1;
  });
  auto client = connect();
  EXPECT_EQ(client.ask(get("/twice")).body, "one");
  EXPECT_EQ(client.ask(get("/answer_and_throw")).body, "done");
  EXPECT_EQ(client.ask(hello).body, "hello");
}

TEST_F(ExchangeTest, AnAnswerToAClientThatHasGoneIsHarmless) {
  std::promise<Respond> given;
  route("/slow", [&](Request&&, Respond respond) { given.set_value(std::move(respond)); });
  std::optional<RawClient> client(connect());
  client->send(get("/slow"));
  auto respond = given.get_future().get();
  client.reset();
  respond(text("nobody reads this"));
  EXPECT_EQ(connect().ask(hello).status, 200U);
}

TEST_F(ExchangeTest, ALateAnswerIsNotTakenForTheNextRequests) {
  std::promise<Respond> given;
  route("/never", [&](Request&&, Respond respond) { given.set_value(std::move(respond)); });
  auto client = connect();
  client.send(get("/never"));
  auto respond = given.get_future().get();
  EXPECT_EQ(client.read().status, 503U); // at the deadline
  respond(text("late"));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(connect().ask(hello).body, "hello");
}

TEST_F(ExchangeTest, ALateAnswerIsNotTakenByTheNextConnection) {
  std::promise<Respond> given[2];
  std::atomic<std::size_t> asked{0};
  route("/never",
        [&](Request&&, Respond respond) { given[asked++].set_value(std::move(respond)); });
  {
    auto client = connect();
    client.send(get("/never"));
    EXPECT_EQ(client.read().status, 503U);
  }
  auto late = given[0].get_future().get();
  ASSERT_TRUE(connections_become(0));
  auto client = connect(); // has the place of the first
  client.send(get("/never"));
  auto respond = given[1].get_future().get();
  late(text("for the first"));
  respond(text("for the second"));
  EXPECT_EQ(client.read().body, "for the second");
}

TEST_F(ExchangeTest, AnAnswerMayOutliveTheServer) {
  std::promise<Respond> given;
  route("/keep", [&](Request&&, Respond respond) { given.set_value(std::move(respond)); });
  std::optional<Server> server(std::in_place, quick_settings(), router_);
  ASSERT_TRUE(server->start());
  RawClient client(server->port());
  client.send(get("/keep"));
  auto respond = given.get_future().get();
  server.reset();
  respond(text("too late")); // under ASan: touches nothing that has gone
  EXPECT_EQ(client.read().body, to_string(Errc::overloaded)) << "what the end of the server says";
  EXPECT_TRUE(client.closed());
}

TEST_F(ExchangeTest, EveryAnswerIsDecoratedWithItsRequest) {
  router_.decorate([](const Request& request, Response& response) {
    const auto* origin = request.headers.find("Origin");
    response.headers.add("X-Origin", origin == nullptr ? "none" : *origin);
  });
  auto client = connect();
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: a\r\nOrigin: o\r\n\r\n").header("X-Origin"),
            "o");
  EXPECT_EQ(client.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\nOrigin: o\r\n\r\n").header("X-Origin"),
            "o");
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\nHost: a\r\nOrigin: o\r\nHost: b\r\n\r\n")
                .header("X-Origin"),
            "o");
}

TEST_F(ExchangeTest, AFaultOutsideHandlersCostsOneConnectionOnly) {
  router_.decorate([](const Request& request, Response&) {
    if (request.headers.find("X-Fault") != nullptr) throw std::runtime_error("oh");
  });
  auto client = connect();
  auto victim = connect();
  victim.send("GET /hello HTTP/1.1\r\nHost: a\r\nX-Fault: 1\r\n\r\n");
  EXPECT_TRUE(victim.closed()); // at its deadline
  EXPECT_EQ(client.ask(hello).status, 200U);
  EXPECT_GE(troubles_, 1);
}

TEST_F(ExchangeTest, MetricsNameRouteAndStatus) {
  auto client = connect();
  client.ask(get("/user/1"));
  client.ask(get("/nowhere"));
  client.ask("PUT /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  client.ask("GET /hello HTTP/9.9\r\n\r\n");
  using testing::ElementsAre;
  using testing::Pair;
  EXPECT_THAT(finished(4), ElementsAre(Pair("user", 200U), Pair("unmatched", 404U),
                                       Pair("hello", 405U), Pair("unmatched", 400U)));
}

TEST_F(ExchangeTest, ARequestThatEndsItsConnectionIsCountedOnce) {
  for (const std::string_view asked :
       {"GET /hello HTTP/1.0\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    auto client = connect();
    EXPECT_EQ(client.ask(asked).status, 200U);
    EXPECT_TRUE(client.closed());
  }
  ASSERT_TRUE(connections_become(0)); // nothing is counted after that
  const auto hello_once = testing::Pair("hello", 200U);
  EXPECT_THAT(finished(2), testing::ElementsAre(hello_once, hello_once));
}

TEST_F(ExchangeTest, AHandlerMayEndTheConnection) {
  route("/bye", [](Request&&, Respond respond) {
    auto response = text("bye");
    response.close = true;
    respond(std::move(response));
  });
  auto client = connect();
  const auto answer = client.ask(get("/bye") + std::string(hello));
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(client.was_reset());
}

} // namespace
} // namespace panier::http::test
