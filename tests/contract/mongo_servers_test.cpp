// The MongoDB mirror on servers that are not ours: FerretDB, and the one of PANIER_TEST_MONGO_URI.
#include "mongo_under_test.hpp"
#include "support/mongo_servers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace panier::contract {
namespace {

using support::FerretServer;

// A database of its own on the named server: what stands there already is not touched.
std::string fresh_database(const std::string& uri) {
  static int databases = 0;
  const std::size_t scheme = uri.find("://");
  const std::size_t slash = uri.find('/', scheme + 3);
  const std::size_t query = uri.find('?', scheme + 3);
  const std::string options = query == std::string::npos ? "" : uri.substr(query);
  const std::string name = "panier_test_" + std::to_string(std::time(nullptr)) + "_" +
                           std::to_string(getpid()) + "_" + std::to_string(++databases);
  return uri.substr(0, std::min(slash, query)) + "/" + name + options;
}

std::vector<MirrorFactory> servers() {
  std::vector<MirrorFactory> all{
      {.fresh = [] { return std::make_unique<MongoUnderTest>(FerretServer::shared().fresh_uri()); },
       .atomic_guard = false,
       .whole_bulks = false}};
  if (const char* uri = std::getenv("PANIER_TEST_MONGO_URI"); uri != nullptr && *uri != '\0')
    all.push_back({.fresh = [uri = std::string(uri)] {
      return std::make_unique<MongoUnderTest>(fresh_database(uri));
    }});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Servers, MirrorContract, testing::ValuesIn(servers()));

class MongoServer : public testing::Test {
protected:
  FerretServer server_;
  const std::unique_ptr<store::mongo::MongoMirrorStore> store_ = mongo_store(server_.fresh_uri());
  const std::unique_ptr<Mirror> mirror_ = store_->connect();
};

TEST_F(MongoServer, FrozenServerHoldsNobodyUpAndIsBackAtOnce) {
  must(mirror_->ensure_index(true, 2s));
  const auto write = cart_of(user("u"), 1, 10);
  server_.freeze();
  for (int call = 0; call < 3; ++call) {
    Result<std::vector<Took>> took;
    const auto time = timed([&] { took = mirror_->write(std::span(&write, 1), 400ms); });
    EXPECT_LT(time, 400ms + overrun_max);
    EXPECT_FALSE(took);
  }
  // A mirror that goes while its server is frozen waits for nothing.
  EXPECT_LT(timed([&] {
              const auto other = store_->connect();
              EXPECT_FALSE(other->ping(200ms));
            }),
            200ms + overrun_max);
  server_.thaw();
  EXPECT_LT(timed([&] { must(mirror_->ping(2s)); }), at_once_max);
}

TEST_F(MongoServer, KilledServerIsBackWithinASecondOfItsStart) {
  must(mirror_->ping(2s));
  server_.kill();
  EXPECT_FALSE(mirror_->ping(300ms));
  server_.start();
  EXPECT_LT(timed([&] { must(mirror_->ping(2s)); }), at_once_max);
}

TEST_F(MongoServer, RestartBetweenTwoCallsIsNotNoticed) {
  must(mirror_->ensure_index(true, 2s));
  server_.kill();
  server_.start();
  const auto write = cart_of(user("u"), 1, 10);
  EXPECT_EQ(must(mirror_->write(std::span(&write, 1), 2s)), std::vector{Took::held});
}

// A server whose machine is gone: connects, and is never accepted nor answered. (A listener whose
// queue is full drops further SYNs, as a firewall does.)
class BlackHole {
public:
  BlackHole() {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    if (bind(listener_, generic(), size) != 0 || listen(listener_, 0) != 0 ||
        getsockname(listener_, generic(), &size) != 0)
      throw std::runtime_error("BlackHole: cannot listen");
    for (const int filler : fillers_)
      if (connect(filler, generic(), size) != 0 && errno != EINPROGRESS)
        throw std::runtime_error("BlackHole: cannot fill the queue");
  }
  ~BlackHole() {
    for (const int filler : fillers_)
      close(filler);
    close(listener_);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  [[nodiscard]] int port() const { return ntohs(address_.sin_port); }

private:
  static int open_socket() {
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  const int listener_ = open_socket();
  const int fillers_[4] = {open_socket(), open_socket(), open_socket(), open_socket()};
  sockaddr_in address_{};
};

TEST(MongoBlackHole, CallsEndInTimeAndNothingIsSent) {
  const BlackHole hole;
  const auto store = mongo_store("mongodb://127.0.0.1:" + std::to_string(hole.port()) + "/Paniers");
  const auto mirror = store->connect();
  const auto write = cart_of(user("u"), 1, 10);
  for (int call = 0; call < 4; ++call) {
    Result<std::vector<Took>> took;
    const auto time = timed([&] { took = mirror->write(std::span(&write, 1), 300ms); });
    EXPECT_LT(time, 300ms + overrun_max);
    ASSERT_FALSE(took);
    EXPECT_EQ(took.error().code, Errc::store_unreachable);
  }
}

} // namespace
} // namespace panier::contract
