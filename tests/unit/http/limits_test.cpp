// Too much, too many, too slow: each limit has an answer that the client can see, and no client
// holds up another.
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>

#include "raw_client.hpp"

namespace panier::http::test {
namespace {

constexpr std::string_view hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

class LimitsTest : public testing::Test {
protected:
  LimitsTest() {
    add_common_routes(router_);
    router_.add(Method::get, "/large", "large",
                [](Request&&, Respond respond) { respond(text(std::string(32 << 20, 'x'))); });
    router_.add(Method::get, "/never", "never", keep());
    router_.add(Method::post, "/never", "never", keep());
  }
  ~LimitsTest() override {
    if (server_) server_->stop(0ms);
  }
  RawClient connect(int receive_buffer = 0) {
    if (!server_) {
      server_.emplace(settings_, router_,
                      Hooks{.finished = {},
                            .connections = [this](int change) { count_connection(change); },
                            .trouble = [this](const Error& e) { count_trouble(e); }});
      EXPECT_TRUE(server_->start());
    }
    return RawClient(server_->port(), receive_buffer);
  }
  void count_connection(int change) {
    const std::scoped_lock lock(mutex_);
    connections_ += change;
    changed_.notify_all();
  }
  void count_trouble(const Error& error) {
    const std::scoped_lock lock(mutex_);
    troubles_.push_back(error);
  }
  [[nodiscard]] bool connections_become(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return connections_ == count; });
  }
  Handler keep() {
    return [this](Request&&, Respond respond) {
      const std::scoped_lock lock(mutex_);
      kept_.push_back(std::move(respond));
    };
  }
  static std::string post(std::string_view headers) {
    return "POST /echo HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n";
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int connections_ = 0;         // guarded by mutex_
  std::vector<Respond> kept_;   // guarded by mutex_
  std::vector<Error> troubles_; // guarded by mutex_
  Settings settings_ = quick_settings();
  Router router_{error_page};
  std::optional<Server> server_;
};

TEST_F(LimitsTest, ABodyAtTheLimitPassesOneMoreByteDoesNot) {
  const std::string most(settings_.body_bytes_max, 'b');
  auto client = connect();
  EXPECT_EQ(client.ask(post("Content-Length: " + std::to_string(most.size()) + "\r\n") + most).body,
            most);
  EXPECT_EQ(
      client.ask(post("Transfer-Encoding: chunked\r\n") + "1000\r\n" + most + "\r\n0\r\n\r\n").body,
      most);
  EXPECT_EQ(client
                .ask(post("Transfer-Encoding: chunked\r\n") + "1000\r\n" + most +
                     "\r\n1\r\nx\r\n0\r\n\r\n")
                .status,
            413U);
  auto other = connect();
  EXPECT_EQ(other.ask(post("Content-Length: " + std::to_string(most.size() + 1) + "\r\n")).status,
            413U);
}

TEST_F(LimitsTest, AClientThatKeepsSendingSees413) {
  settings_.drain_timeout = 5s;
  for (const std::string headers :
       {"Content-Length: 4000000\r\n", "Transfer-Encoding: chunked\r\n"}) {
    auto client = connect();
    ASSERT_TRUE(
        client.send(post(headers) + "3d0900\r\n")); // a chunk of 4 MB, or the start of the body
    ASSERT_TRUE(client.send(
        std::string(4'000'000 - 8, 'x'))); // all of it before reading, as many clients do
    EXPECT_EQ(client.read().status, 413U);
    client.finish_sending();
    EXPECT_TRUE(client.closed());
    EXPECT_FALSE(client.was_reset());
  }
}

TEST_F(LimitsTest, DrainingHasAnEnd) {
  settings_.drain_bytes_max = 1 << 20;
  settings_.drain_timeout = 60s;
  auto client = connect();
  client.send(post("Content-Length: 999999999\r\n"));
  EXPECT_EQ(client.read().status, 413U);
  bool taken = true;
  const std::string piece(1 << 20, 'x');
  for (int i = 0; taken && i < 200; ++i)
    taken = client.send(piece);
  EXPECT_FALSE(taken);
}

TEST_F(LimitsTest, DrainingEndsInTimeToo) {
  settings_.request_timeout = 60s;
  auto client = connect();
  client.send(post("Content-Length: 999999999\r\n"));
  EXPECT_EQ(client.read().status, 413U);
  EXPECT_TRUE(connections_become(0)); // although the client neither sends nor closes
}

TEST_F(LimitsTest, TooLargeAHeadIs431) {
  const std::string pad(settings_.headers_bytes_max, 'p');
  std::string many;
  for (std::size_t i = 0; i < settings_.headers_count_max; ++i)
    many += "X: y\r\n";
  for (const auto& bytes : {"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + pad + "\r\n\r\n", // complete
                            "GET /hello HTTP/1.1\r\nHost: a\r\nX: " + pad, // never complete
                            "GET /" + pad,                                 // not even a line
                            "GET /hello HTTP/1.1\r\nHost: a\r\n" + many + "\r\n"}) {
    auto client = connect();
    const auto answer = client.ask(bytes);
    EXPECT_EQ(answer.status, 431U);
    EXPECT_EQ(answer.body, "headers_too_large");
    client.finish_sending();
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(LimitsTest, AHeadAtTheLimitPasses) {
  std::string head = "GET /hello HTTP/1.1\r\nHost: a\r\nX: ";
  head.append(settings_.headers_bytes_max - head.size() - 4, 'p') += "\r\n\r\n";
  ASSERT_EQ(head.size(), settings_.headers_bytes_max);
  auto client = connect();
  EXPECT_EQ(client.ask(head).status, 200U);
  head.insert(head.size() - 4, "p");
  EXPECT_EQ(client.ask(head).status, 431U);
}

TEST_F(LimitsTest, ChunkExtensionsAndTrailersAreBounded) {
  const std::string pad(settings_.headers_bytes_max + 1, 'p');
  std::string many;
  for (int i = 0; i < 3000; ++i)
    many += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  for (const auto& body : {"1;" + pad, "0\r\nX: " + pad, many}) {
    auto client = connect();
    client.send(post("Transfer-Encoding: chunked\r\n") + body);
    EXPECT_EQ(client.read().status, 400U);
  }
}

TEST_F(LimitsTest, AByteNowAndThenDoesNotExtendTheDeadline) {
  for (const std::string& start :
       {std::string("GET /hello HTTP/1.1\r\nX: "), post("Content-Length: 4000\r\n")}) {
    auto client = connect();
    const auto began = std::chrono::steady_clock::now();
    client.send(start);
    while (!client.says_something(20ms))
      client.send("x"); // one byte every 20 ms
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 408U);
    EXPECT_EQ(answer.body, "request_timeout");
    EXPECT_GE(std::chrono::steady_clock::now() - began, settings_.request_timeout);
    client.finish_sending();
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(LimitsTest, IdleConnectionsAreClosedWithoutAWord) {
  settings_.idle_timeout = 100ms;
  auto fresh = connect();
  auto used = connect();
  EXPECT_EQ(used.ask(hello).status, 200U);
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(used.closed());
}

TEST_F(LimitsTest, AnEmptyLineIsStillIdle) {
  settings_.idle_timeout = 300ms;
  settings_.request_timeout = 50ms;
  auto client = connect();
  client.send("\r\n");
  EXPECT_TRUE(client.closed()); // not 408
}

TEST_F(LimitsTest, AReaderThatDoesNotReadIsCutOff) {
  auto client = connect(4096);
  auto other = connect();
  ASSERT_TRUE(connections_become(2)); // each is counted by a thread of its own
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(other.ask(hello).status, 200U); // and holds up nobody
  EXPECT_TRUE(connections_become(1));       // although the client neither reads nor closes
  const auto answer = client.read();
  EXPECT_TRUE(answer.status == 0 || answer.body.empty()); // what came is incomplete
}

TEST_F(LimitsTest, AnswersThatNobodyTakesHaveABound) {
  settings_.threads = 1;
  settings_.request_timeout = 60s;
  settings_.untaken_bytes_max = 40 << 20; // one answer of 32 MiB
  constexpr std::string_view large = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
  auto first = connect();
  auto second = connect();
  ASSERT_TRUE(connections_become(2));
  first.send(large);
  ASSERT_EQ(connect().ask(hello).status, 200U); // first's answer waits for it now
  second.send(large);
  ASSERT_TRUE(connections_become(1)) << "two are too many";
  EXPECT_EQ(first.read().body.size(), std::size_t{32} << 20) << "the first is still served";
  auto third = connect();
  EXPECT_EQ(third.ask(large).body.size(), std::size_t{32} << 20) << "its room was given back";
}

TEST_F(LimitsTest, AnAnswerAboveTheBoundOfAllIsTakenAlone) {
  settings_.threads = 1;
  settings_.request_timeout = 60s;
  settings_.untaken_bytes_max = 1;
  auto client = connect();
  EXPECT_EQ(client.ask("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").body.size(),
            std::size_t{32} << 20);
}

TEST_F(LimitsTest, AHandlerThatDoesNotAnswerIsAnsweredFor) {
  auto reader = connect();
  const auto read = reader.ask("GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(read.status, 503U);
  EXPECT_EQ(read.header("Connection"), "close");
  auto writer = connect();
  EXPECT_EQ(writer.ask("POST /never HTTP/1.1\r\nHost: a\r\n\r\n").status,
            504U); // it may have happened
}

TEST_F(LimitsTest, ManyConnections) {
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i)
    clients.push_back(connect());
  for (auto& client : clients)
    client.send(hello);
  for (auto& client : clients)
    ASSERT_EQ(client.read().body, "hello");
  EXPECT_EQ(server_->connections(), 1000U);
}

TEST_F(LimitsTest, MoreThanTheMaximumWaitForTheirTurn) {
  settings_.connections_max = 2;
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(connect());
    EXPECT_EQ(clients.back().ask(hello).status, 200U);
  }
  auto waiting = connect(); // by the kernel
  waiting.send(hello);
  EXPECT_FALSE(waiting.says_something(50ms));
  EXPECT_EQ(server_->connections(), 2U);
  clients.pop_back();
  EXPECT_EQ(waiting.read().status, 200U);
}

TEST_F(LimitsTest, IdleConnectionsMakeRoomForThoseThatWait) {
  settings_.connections_max = 2;
  settings_.shed_after = 100ms;
  settings_.request_timeout = 5s;
  auto idle = connect();
  EXPECT_EQ(idle.ask(hello).status, 200U);
  auto busy = connect();
  busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no");
  auto waiting = connect(); // by the kernel
  EXPECT_EQ(waiting.ask(hello).status, 200U);
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(busy.ask("k").body, "ok");
  const std::scoped_lock lock(mutex_);
  ASSERT_EQ(troubles_.size(), 1U); // told once, not at every try
  EXPECT_NE(troubles_.front().detail.find("cannot accept"), std::string::npos);
}

TEST_F(LimitsTest, IdleConnectionsStayWhileNobodyWaits) {
  settings_.connections_max = 2;
  settings_.shed_after = 0ms;
  auto first = connect();
  auto second = connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(first.ask(hello).status, 200U);
    EXPECT_EQ(second.ask(hello).status, 200U);
  }
  EXPECT_FALSE(first.says_something(50ms));
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_F(LimitsTest, WithoutDescriptorsAcceptingRestsAndRecovers) {
  auto first = connect();
  EXPECT_EQ(first.ask(hello).status, 200U);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Room for one descriptor more: the client's.
  const int probe = ::dup(0);
  const rlimit none{static_cast<rlim_t>(probe + 1), before.rlim_max};
  ::close(probe);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  RawClient starved = connect();
  const bool sent = starved.connected() && starved.send(hello);
  const bool silent = !starved.says_something(50ms);
  const auto others = first.ask(hello).status; // connections that are there go on
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(sent);
  EXPECT_TRUE(silent);
  EXPECT_EQ(others, 200U);
  EXPECT_EQ(starved.read().status, 200U);
  const std::scoped_lock lock(mutex_);
  ASSERT_EQ(troubles_.size(), 1U); // told once, not at every try
  EXPECT_NE(troubles_.front().detail.find("cannot accept"), std::string::npos);
}

} // namespace
} // namespace panier::http::test
