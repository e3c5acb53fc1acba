// Bad days of a MariaDB server, on a server of its own: frozen, killed, read-only, connections cut.
#include "mariadb_values.hpp"

namespace panier::contract {
namespace {

class MariadbFaults : public MariadbTest {
protected:
  MariadbFaults() : MariadbTest(server_of_faults()) {}

  static MariadbServer& server_of_faults() {
    static MariadbServer server(MariadbServer::Commits::durable);
    return server;
  }

  // As the lane does it after commit_unknown.
  std::optional<std::int64_t> decided(Ledger& ledger, const LaneKey& key) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < give_up) {
      auto last = ledger.last_batch(key);
      if (last || last.error().code != Errc::store_conflict) return must(std::move(last));
    }
    throw std::runtime_error("never decided");
  }
};

TEST_F(MariadbFaults, FrozenServerIsATimeoutAndComesBack) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  const auto whose = user("u");
  server_.freeze();
  Stopwatch watch;
  const auto first = ledger->read(std::span(&whose, 1));
  EXPECT_LT(watch.elapsed(), 3500ms);
  watch = {};
  const auto second = ledger->read(std::span(&whose, 1));
  EXPECT_LT(watch.elapsed(), 2500ms);
  server_.thaw();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::store_timeout);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::store_unreachable);
  watch = {};
  EXPECT_EQ(version_of(*ledger, "u"), 10);
  EXPECT_LT(watch.elapsed(), 1s);
}

TEST_F(MariadbFaults, KilledServerIsUnreachableAndComesBack) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  server_.kill();
  for (int call = 0; call < 2; ++call) {
    const Stopwatch watch;
    const auto failed = ledger->open(want("u", 1));
    EXPECT_LT(watch.elapsed(), 2500ms);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::store_unreachable);
  }
  const auto prepare = MariadbLedgerStore(settings_).prepare();
  ASSERT_FALSE(prepare);
  EXPECT_EQ(prepare.error().code, Errc::store_unreachable);
  server_.start();
  EXPECT_EQ(version_of(*ledger, "u"), 10);
}

TEST_F(MariadbFaults, IdleConnectionThatWasKilledIsReplacedAtOnce) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  kill_connections();
  EXPECT_EQ(version_of(*ledger, "u"), 10);
  kill_connections();
  put(*ledger, "u", 1, 11);
  kill_connections();
  EXPECT_TRUE(ledger->ping());
  server_.kill();
  server_.start();
  EXPECT_EQ(version_of(*ledger, "u"), 11);
}

TEST_F(MariadbFaults, ConnectionKilledBeforeCommitCommitsNothing) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  make_lane(*ledger, lane(0));
  const auto opened = must(ledger->open(want(lane(0), {{user("u"), {}}})));
  kill_connections();
  const auto committed = ledger->commit(visible(opened, 11));
  ASSERT_FALSE(committed);
  // The server's last word may still be read (then it is certain) or not.
  EXPECT_TRUE(committed.error().code == Errc::store_unreachable ||
              committed.error().code == Errc::commit_unknown)
      << to_string(committed.error().code) << ": " << committed.error().detail;
  EXPECT_EQ(decided(*ledger, lane(0)), opened.own->last_batch);
  EXPECT_EQ(version_of(*ledger, "u"), 10);
}

// The packet with COMMIT lies in the server's socket when it wakes up: it may be carried out or
// not, and last_batch tells which.
TEST_F(MariadbFaults, UnansweredCommitIsUnknownUntilLastBatchTells) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  make_lane(*ledger, lane(0));
  const auto opened = must(ledger->open(want(lane(0), {{user("u"), {}}})));
  server_.freeze();
  const Stopwatch watch;
  const auto committed = ledger->commit(visible(opened, 11));
  EXPECT_LT(watch.elapsed(), 3500ms);
  server_.thaw();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::commit_unknown);
  const auto last = decided(*ledger, lane(0));
  ASSERT_TRUE(last);
  EXPECT_EQ(version_of(*ledger, "u"), *last == opened.own->last_batch ? 10 : 11);
}

// The server still works on the packet when the driver gives up, and a stranger's lock decides when
// it is through.
TEST_F(MariadbFaults, CommitStillUnderWayIsAConflictThenDecided) {
  settings_.read_timeout = 1s;
  settings_.lock_wait = 10s;
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  make_lane(*ledger, lane(0));
  settings_.lock_wait = 1s;
  settings_.read_timeout = 3s;
  const auto asker = connect();
  const auto blocker = connect();
  (void)must(blocker->open(want("w", 2)));
  auto stranger = stranger_who_waits(
      "BEGIN; INSERT INTO panier_mirror_lag VALUES ('u', 1);"
      "SELECT * FROM panier FORCE INDEX (uq_panier_user) WHERE user_id='w' FOR UPDATE;"
      "ROLLBACK");
  const auto opened = must(ledger->open(want(lane(0), {{user("u"), {}}})));
  auto writes = visible(opened, 11);
  writes.lag = {{user("u"), 11}};
  const auto committed = ledger->commit(writes);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, Errc::commit_unknown);
  const auto undecided = asker->last_batch(lane(0));
  ASSERT_FALSE(undecided);
  EXPECT_EQ(undecided.error().code, Errc::store_conflict);
  blocker->rollback();
  stranger.join();
  const auto last = decided(*asker, lane(0));
  ASSERT_TRUE(last);
  EXPECT_EQ(version_of(*asker, "u"), *last == opened.own->last_batch ? 10 : 11);
}

TEST_F(MariadbFaults, IdleTransactionIsEndedByTheServer) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  settings_.idle_transaction = 1s;
  const auto sleeper = connect();
  const auto opened = must(sleeper->open(want("u", 1)));
  wait_until([&] { // its lock is free again
    const auto tried = ledger->open(want("u", 1));
    ledger->rollback();
    return tried && tried->carts.size() == 1;
  });
  const auto committed = sleeper->commit(visible(opened, 11));
  ASSERT_FALSE(committed);
  EXPECT_EQ(version_of(*ledger, "u"), 10);
  put(*sleeper, "u", 1, 12);
}

TEST_F(MariadbFaults, ReadOnlyServerDeniesAndTheConnectionIsDropped) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  const auto before = connection_ids();
  const auto opened = must(ledger->open(want("u", 1)));
  server_.run("SET GLOBAL read_only=1");
  const auto committed = ledger->commit(visible(opened, 11));
  // The server lists a connection for a moment after it was closed.
  wait_until([&] { return connection_ids() != before; });
  const auto locked = ledger->open(want("u", 1));
  const auto ping = ledger->ping();
  const auto whose = user("u");
  const auto read = ledger->read(std::span(&whose, 1));
  server_.run("SET GLOBAL read_only=0");
  for (const auto& denied : {committed.error(), locked.error(), ping.error()})
    EXPECT_EQ(denied.code, Errc::store_denied) << denied.detail;
  EXPECT_EQ(must(read).at(0).cart.version, 10);
  put(*ledger, "u", 1, 12);
}

TEST_F(MariadbFaults, PacketBeyondTheServersLimitIsRejectedBeforeItIsSent) {
  (void)prepared();
  server_.run("SET GLOBAL max_allowed_packet=16384");
  const auto ledger = connect();
  for (const int carts : {1, 20}) { // as text, and in bulk
    OpenRequest request;
    for (int n = 0; n < carts; ++n)
      request.wanted.push_back({numbered(n), cart_id(n)});
    must(ledger->commit(visible(must(ledger->open(request)), 10)));
    const auto before = connection_ids();
    auto writes = visible(must(ledger->open(request)), 11);
    for (int n = 0; n < 900; ++n)
      writes.carts[0].cart.lines.push_back(line("article-" + std::to_string(n), 1000));
    const auto committed = ledger->commit(writes);
    EXPECT_EQ(connection_ids(), before);
    EXPECT_EQ(version_of(*ledger, "u000"), 10);
    EXPECT_TRUE(!committed && committed.error().code == Errc::store_rejected);
  }
  server_.run("SET GLOBAL max_allowed_packet=16777216");
}

TEST_F(MariadbFaults, WrongPasswordAndMissingDatabaseAreDenied) {
  auto wrong = settings_;
  wrong.password = "s3cret-not-this";
  const auto refused = MariadbLedgerStore(wrong).prepare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::store_denied);
  EXPECT_EQ(refused.error().detail.find(wrong.password), std::string::npos);
  wrong = settings_;
  wrong.database = "nowhere";
  EXPECT_EQ(MariadbLedgerStore(wrong).prepare().error().code, Errc::store_denied);
}

TEST_F(MariadbFaults, HostNamesAreResolvedAndUnknownOnesAreUnreachable) {
  settings_.host = "localhost";
  EXPECT_TRUE(prepared()->ping());
  settings_.host = "no-such-host.invalid";
  const Stopwatch watch;
  const auto failed = connect()->ping();
  EXPECT_LT(watch.elapsed(), 2500ms);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::store_unreachable);
}

TEST_F(MariadbFaults, TablesThatWentAreNoticed) {
  const auto ledger = prepared();
  put(*ledger, "u", 1, 10);
  server_.run("DROP TABLE panier, panier_lane, panier_floor", database_);
  EXPECT_EQ(ledger->open(want("u", 1)).error().code, Errc::schema_unmigrated);
  EXPECT_EQ(ledger->ping().error().code, Errc::schema_unmigrated);
}

TEST_F(MariadbFaults, WithoutAStatementToSpareABatchIsCommittedAllTheSame) {
  (void)prepared();
  server_.run("SET GLOBAL max_prepared_stmt_count=0");
  const auto ledger = connect();
  OpenRequest request;
  for (int i = 0; i < 20; ++i)
    request.wanted.push_back({user("u" + std::to_string(100 + i)), cart_id(i + 1)});
  const auto committed = ledger->commit(visible(must(ledger->open(request)), 10));
  server_.run("SET GLOBAL max_prepared_stmt_count=16382");
  ASSERT_TRUE(committed) << committed.error().detail;
  EXPECT_EQ(must(ledger->scan(std::nullopt, 100)).size(), 20U);
  EXPECT_EQ(version_of(*ledger, "u119"), 10);
}

TEST_F(MariadbFaults, AServersShortListsCutNoneOfOurs) {
  (void)prepared();
  server_.run("SET GLOBAL group_concat_max_len=1024");
  const auto ledger = connect();
  OpenRequest request;
  request.lag_too = true;
  std::vector<commit::Listed> behind;
  for (int i = 0; i < 128; ++i) {
    request.wanted.push_back({user("fifteen-chars-" + std::to_string(100 + i)), cart_id(i + 1)});
    behind.push_back({request.wanted.back().user, 11});
  }
  must(ledger->commit(visible(must(ledger->open(request)), 10)));
  must(ledger->add_lag(behind));
  const auto opened = ledger->open(request);
  server_.run("SET GLOBAL group_concat_max_len=1048576");
  EXPECT_EQ(must(opened).lagging.size(), 128U);
}

} // namespace
} // namespace panier::contract
