// Lanes that take turns on one SQLite connection.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "sqlite_fixture.hpp"
#include "store/sqlite/shared_connection.hpp"

namespace panier::contract {
namespace {

using store::sqlite::Connection;

// Found by the benchmark: two lanes that had nothing else to do but write, and one of them got no
// turn for as long as it cared to wait.
TEST(SqliteTurns, WhoAsksAgainAtOnceComesAfterThoseThatWait) {
  const TemporaryDirectory temporary;
  store::sqlite::SharedConnection shared;
  const auto take = [&] {
    return must(shared.take(10s, [&] {
      return Connection::open(temporary.path() / "x", Connection::WhenAbsent::create, 1s);
    }));
  };
  for (int time = 0; time < 100; ++time) {
    std::optional turn(take());
    std::atomic<bool> had_its_turn = false;
    std::jthread other([&] {
      const auto mine = take();
      had_its_turn = true;
    });
    while (shared.waiting() == 0)
      std::this_thread::yield();
    turn.reset();
    turn.emplace(take());
    EXPECT_TRUE(had_its_turn);
  }
}

TEST(SqliteTurns, WhoGivesUpIsNotWaitedFor) {
  const TemporaryDirectory temporary;
  store::sqlite::SharedConnection shared;
  const auto make = [&] {
    return Connection::open(temporary.path() / "x", Connection::WhenAbsent::create, 1s);
  };
  std::optional turn(must(shared.take(10s, make)));
  EXPECT_EQ(shared.take(1ms, make).error().code, Errc::store_conflict);
  turn.reset();
  EXPECT_TRUE(shared.take(10s, make));
}

} // namespace
} // namespace panier::contract
