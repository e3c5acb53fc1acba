// The SQLite stores and the machine below them: killed owners, files that are no directory, a disk
// that takes nothing more, the log's length, locks held by another program.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <latch>
#include <thread>

#include "sqlite_fixture.hpp"
#include "store/sqlite/connection.hpp"
#include "support/manual_clock.hpp"

namespace panier::contract {
namespace {

using commit::MirrorWrite;
using commit::Took;
using store::sqlite::Connection;
using store::sqlite::DataDirectory;
using store::sqlite::Phase;
using store::sqlite::Settings;

// --- the directory ---

void expect_refused(const std::filesystem::path& path, std::string_view why) {
  const auto claimed = DataDirectory::claim(path);
  ASSERT_FALSE(claimed) << path;
  EXPECT_EQ(claimed.error().code, Errc::config_invalid);
  EXPECT_EQ(claimed.error().field, "PANIER_DATA_DIR");
  EXPECT_NE(claimed.error().detail.find(why), std::string::npos) << claimed.error().detail;
  EXPECT_NE(claimed.error().detail.find(path.string()), std::string::npos)
      << claimed.error().detail;
}

TEST(SqliteDirectory, StoresKeepTheClaim) {
  const TemporaryDirectory temporary;
  {
    const store::sqlite::SqliteMirrorStore store(sqlite_settings(temporary));
    expect_refused(temporary.path(), "is in use by another panier");
    EXPECT_FALSE(DataDirectory::claim(temporary.path() / "")); // a trailing slash changes nothing
  }
  EXPECT_TRUE(DataDirectory::claim(temporary.path()));
}

TEST(SqliteDirectory, KilledOwnerLeavesItFree) {
  const TemporaryDirectory temporary;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t owner = ::fork();
  ASSERT_GE(owner, 0);
  if (owner == 0) {
    const auto claimed = DataDirectory::claim(temporary.path());
    const char answer = claimed ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  expect_refused(temporary.path(), "is in use by another panier");
  ::kill(owner, SIGKILL);
  ASSERT_EQ(::waitpid(owner, nullptr, 0), owner);
  EXPECT_TRUE(DataDirectory::claim(temporary.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(SqliteDirectory, WhatIsNoneIsRefused) {
  const TemporaryDirectory temporary;
  const auto file = temporary.path() / "file";
  std::ofstream(file) << "x";
  expect_refused(file, "cannot be");
  expect_refused(file / "below", "cannot be created");
  EXPECT_FALSE(DataDirectory::claim(""));
}

// --- both files ---

TEST(SqliteErrors, EachKindHasItsPlace) {
  const auto errc = [](int code, Phase phase = Phase::before_commit) {
    return store::sqlite::to_error(code, phase, "").code;
  };
  EXPECT_EQ(errc(SQLITE_BUSY_SNAPSHOT), Errc::store_conflict);
  EXPECT_EQ(errc(SQLITE_FULL), Errc::store_unreachable);
  EXPECT_EQ(errc(SQLITE_FULL, Phase::commit),
            Errc::store_unreachable); // the frame that commits found no room
  EXPECT_EQ(errc(SQLITE_IOERR_FSYNC), Errc::store_unreachable);
  EXPECT_EQ(errc(SQLITE_IOERR_FSYNC, Phase::commit), Errc::commit_unknown);
  EXPECT_EQ(errc(SQLITE_CANTOPEN), Errc::store_unreachable);
  EXPECT_EQ(errc(SQLITE_READONLY_DBMOVED), Errc::store_denied);
  EXPECT_EQ(errc(SQLITE_CORRUPT_INDEX), Errc::store_corrupt);
  EXPECT_EQ(errc(SQLITE_NOTADB), Errc::store_corrupt);
  EXPECT_EQ(errc(SQLITE_CONSTRAINT_UNIQUE), Errc::store_rejected);
  EXPECT_EQ(errc(SQLITE_TOOBIG), Errc::store_rejected);
  EXPECT_TRUE(store::sqlite::survives(SQLITE_BUSY));
  EXPECT_TRUE(store::sqlite::survives(SQLITE_CONSTRAINT_UNIQUE));
  EXPECT_FALSE(store::sqlite::survives(SQLITE_IOERR_WRITE));
}

class SqliteDisk : public testing::Test {
protected:
  SqliteDisk()
      : settings_(sqlite_settings(directory_)), ledger_store_(settings_, clock_),
        mirror_store_(settings_) {
    must(ledger_store_.prepare());
    ledger_ = ledger_store_.connect();
    mirror_ = mirror_store_.connect();
    must(mirror_->ping(5s));
  }

  [[nodiscard]] std::filesystem::path file(std::string_view name) const {
    return directory_.path() / name;
  }
  [[nodiscard]] std::unique_ptr<Connection> by_hand(std::string_view name) const {
    return must(Connection::open(file(name), Connection::WhenAbsent::refuse, settings_.lock_wait));
  }
  [[nodiscard]] std::string told(const char* sql) const {
    auto connection = by_hand("ledger.sqlite3");
    auto row = connection->query(sql);
    return must(row.step()) ? std::string(row.text(0)) : "(no row)";
  }

  // A cart of the lane's at this version, and the lane's row after it.
  Result<void> put(const UserId& who, Version version, std::int64_t batch) {
    return put(*ledger_, who, version, batch);
  }
  static Result<void> put(commit::Ledger& ledger, const UserId& who, Version version,
                          std::int64_t batch) {
    auto opened = must(ledger.open({lane(0), {{who, cart_id(1)}}, {}}));
    Writes writes;
    writes.carts = opened.carts;
    auto& cart = writes.carts.at(0).cart;
    cart.exists = true;
    cart.version = version;
    cart.lines = {line("a", 2000), line("b", 1500)};
    writes.row = LaneRow{lane(0), batch, {}, {}, {}, {}, opened.now};
    return ledger.commit(writes);
  }
  Version version_of(const UserId& who) {
    return must(ledger_->read(std::span(&who, 1))).at(0).cart.version;
  }

  TemporaryDirectory directory_;
  test::ManualClock clock_;
  Settings settings_;
  store::sqlite::SqliteLedgerStore ledger_store_;
  store::sqlite::SqliteMirrorStore mirror_store_;
  std::unique_ptr<commit::Ledger> ledger_;
  std::unique_ptr<commit::Mirror> mirror_;
};

TEST_F(SqliteDisk, RowHasThePlatformsShape) {
  must(put(user("u"), 10, 1));
  EXPECT_EQ(told("SELECT RTRIM(articles) FROM panier"),
            R"([{"article_id": "a", "quantite": 2.0}, {"article_id": "b", "quantite": 1.5}])");
  EXPECT_EQ(told("SELECT id FROM panier"), cart_id(1).hex());
  EXPECT_EQ(told("SELECT id_maria FROM panier"), "1");
}

TEST_F(SqliteDisk, CommittedIsOnTheDiskBeforeItIsAnswered) {
  EXPECT_EQ(told("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(told("PRAGMA synchronous"), "2"); // FULL
}

TEST_F(SqliteDisk, LedgersClockIsTheOneGiven) {
  clock_.set_wall(LedgerTime(1'800'000'000'123ms));
  EXPECT_EQ(must(ledger_->ping()), clock_.wall());
  EXPECT_EQ(must(ledger_->open({})).now, clock_.wall());
}

TEST_F(SqliteDisk, CartThatWasNotLockedIsRefusedAndNothingWritten) {
  must(put(user("u"), 10, 1));
  const auto opened = must(ledger_->open({{}, {{user("u"), {}}}, {}}));
  Writes writes;
  writes.carts = {opened.carts[0], opened.carts[0]};
  writes.carts[0].cart.version = 11;
  writes.carts[1].user = user("stranger");
  const auto done = ledger_->commit(writes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::store_rejected);
  EXPECT_EQ(version_of(user("u")), 10);
}

// A disk that takes nothing more, by the process's own limit on the size of a file.
class FileSizeLimit {
public:
  explicit FileSizeLimit(std::uintmax_t bytes)
      : old_handler_(
            std::signal(SIGXFSZ, SIG_IGN)) { // the write fails instead of ending the process
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit limit = old_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
  rlimit old_{};
  void (*old_handler_)(int);
};

TEST_F(SqliteDisk, FailedCommitIsUnknownUntilLastBatchTells) {
  must(put(user("u"), 10, 1));
  {
    const FileSizeLimit full(std::filesystem::file_size(file("ledger.sqlite3-wal")));
    const auto done = put(user("u"), 11, 2);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::commit_unknown);
    EXPECT_FALSE(ledger_->last_batch(lane(0))); // it has to write to be sure, and cannot
  }
  EXPECT_EQ(must(ledger_->last_batch(lane(0))), 1);
  EXPECT_EQ(version_of(user("u")), 10);
  must(put(user("u"), 12, 2)); // back without a restart
  EXPECT_EQ(must(ledger_->last_batch(lane(0))), 2);
}

// What is left of a commit whose sync failed could come to life when the machine stops:
// last_batch() writes over it.
TEST_F(SqliteDisk, LastBatchWritesEachTime) {
  must(put(user("u"), 10, 1));
  const auto before = told("SELECT probes FROM panier_floor");
  must(ledger_->last_batch(lane(0)));
  must(ledger_->last_batch(lane(7))); // a row that is not there
  EXPECT_EQ(std::stoi(told("SELECT probes FROM panier_floor")), std::stoi(before) + 2);
}

TEST_F(SqliteDisk, LanesTakeTurns) {
  const auto one = ledger_store_.connect_lane();
  const auto other = ledger_store_.connect_lane();
  must(put(*one, user("u"), 10, 1));
  auto opened = must(one->open({lane(0), {{user("u"), std::nullopt}}, {}}));
  std::thread([&] {
    const auto early = other->open({lane(1), {{user("u"), std::nullopt}}, {}});
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, Errc::store_conflict); // after the lock wait
  }).join();
  EXPECT_EQ(version_of(user("u")), 10) << "who only reads waits for nobody";
  std::latch begun(1);
  std::thread next([&] {
    begun.count_down();
    auto seen = other->open({lane(1), {{user("u"), std::nullopt}}, {}});
    while (!seen && seen.error().code == Errc::store_conflict) // a lock wait is short here
      seen = other->open({lane(1), {{user("u"), std::nullopt}}, {}});
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->carts.at(0).cart.version, 11) << "not before the first lane's commit";
    other->rollback();
  });
  begun.wait();
  Writes writes;
  writes.carts = opened.carts;
  writes.carts.at(0).cart.version = 11;
  must(one->commit(writes));
  next.join();
}

TEST_F(SqliteDisk, LaneThatGoesLeavesNothingOpenForTheOthers) {
  auto one = ledger_store_.connect_lane();
  const auto other = ledger_store_.connect_lane();
  must(one->open({lane(0), {{user("u"), cart_id(1)}}, {}}));
  one.reset();
  must(put(*other, user("v"), 10, 1));
  EXPECT_TRUE(must(ledger_->read(std::vector{user("u")})).empty());
  EXPECT_EQ(version_of(user("v")), 10);
}

TEST_F(SqliteDisk, ConnectionThatBrokeIsReplacedForEveryLane) {
  const auto one = ledger_store_.connect_lane();
  const auto other = ledger_store_.connect_lane();
  must(put(*one, user("u"), 10, 1));
  {
    const FileSizeLimit full(std::filesystem::file_size(file("ledger.sqlite3-wal")));
    EXPECT_EQ(put(*one, user("u"), 11, 2).error().code, Errc::commit_unknown);
  }
  EXPECT_EQ(version_of(user("u")), 10);
  must(put(*other, user("u"), 12, 2));
  EXPECT_EQ(must(one->last_batch(lane(0))), 2);
}

TEST_F(SqliteDisk, LanesShareTheMirrorToo) {
  const auto one = mirror_store_.connect_lane();
  const auto other = mirror_store_.connect_lane();
  const MirrorWrite first{user("u"), Cart{cart_id(1), 10, true, {}}, 1, token(1), {}};
  const MirrorWrite later{user("u"), Cart{cart_id(1), 11, true, {}}, 1, token(2), {}};
  {
    const FileSizeLimit full(std::filesystem::file_size(file("mirror.sqlite3-wal")));
    EXPECT_FALSE(one->write(std::span(&first, 1), 5s));
  }
  EXPECT_EQ(must(other->write(std::span(&later, 1), 5s)), std::vector{Took::held});
  EXPECT_EQ(must(one->write(std::span(&first, 1), 5s)), std::vector{Took::refused});
}

TEST_F(SqliteDisk, FailedMirrorWriteIsNoAnswerInTime) {
  const MirrorWrite one{user("u"), Cart{cart_id(1), 10, true, {}}, 1, token(1), {}};
  {
    const FileSizeLimit full(std::filesystem::file_size(file("mirror.sqlite3-wal")));
    const auto took = mirror_->write(std::span(&one, 1), 5s);
    ASSERT_FALSE(took);
    EXPECT_EQ(took.error().code, Errc::store_timeout);
  }
  EXPECT_EQ(must(mirror_->write(std::span(&one, 1), 5s)), std::vector{Took::held});
}

TEST_F(SqliteDisk, MirrorLockedByAnotherIsNoAnswerInTime) {
  const auto holder = by_hand("mirror.sqlite3");
  must(holder->begin());
  const MirrorWrite one{user("u"), Cart{cart_id(1), 10, true, {}}, 1, token(1), {}};
  const auto took = mirror_->write(std::span(&one, 1), 50ms);
  ASSERT_FALSE(took);
  EXPECT_EQ(took.error().code, Errc::store_timeout);
  EXPECT_TRUE(must(mirror_->find(std::vector{user("u")}, 50ms)).empty()); // reading never waits
  holder->rollback();
  EXPECT_EQ(must(mirror_->write(std::span(&one, 1), 5s)), std::vector{Took::held});
}

TEST_F(SqliteDisk, PingSeesAWriterAsLife) {
  const auto holder = by_hand("ledger.sqlite3");
  must(holder->begin());
  must(ledger_->ping()); // at once, not after the lock wait
  holder->rollback();
}

TEST_F(SqliteDisk, LostMirrorFileIsAnEmptyMirror) {
  const MirrorWrite one{user("u"), Cart{cart_id(1), 10, true, {}}, 1, token(1), {}};
  must(mirror_->write(std::span(&one, 1), 5s));
  mirror_.reset();
  std::filesystem::remove(file("mirror.sqlite3"));
  mirror_ = mirror_store_.connect();
  EXPECT_TRUE(must(mirror_->find(std::vector{user("u")}, 5s)).empty());
}

// The log's greatest length while a mirror takes so many bulks, some 0.7 MiB of pages each.
std::uintmax_t longest_log(commit::Mirror& mirror, const std::filesystem::path& log, int bulks) {
  constexpr int carts = 128;
  std::uintmax_t longest = 0;
  for (int bulk = 1; bulk <= bulks; ++bulk) {
    std::vector<MirrorWrite> writes;
    for (int n = 0; n < carts; ++n)
      writes.push_back(
          {numbered(n), Cart{cart_id(n), bulk, true, telling_lines(50)}, 1, token(bulk), {}});
    must(mirror.write(writes, 5s));
    longest = std::max(longest, std::filesystem::file_size(log));
  }
  return longest;
}

TEST_F(SqliteDisk, LogStaysShortUnderManyBulks) {
  EXPECT_LT(longest_log(*mirror_, file("mirror.sqlite3-wal"), 60), 16u << 20);
}

// Most of it is copied beside the writes, which may be ahead of that, up to where they wait for it.
TEST_F(SqliteDisk, LogOfLanesStaysShortToo) {
  constexpr std::uintmax_t hard_max = 16'000 * (4'096 + 24); // with each page's header
  EXPECT_LT(longest_log(*mirror_store_.connect_lane(), file("mirror.sqlite3-wal"), 150),
            hard_max + (8u << 20)); // of some 100 MiB in all
}

TEST_F(SqliteDisk, LogOfLanesIsCopiedBesideTheirWritesAlsoIntoANewFile) {
  const auto lane = mirror_store_.connect_lane();
  std::vector<MirrorWrite> writes;
  for (int n = 0; n < 128; ++n)
    writes.push_back({numbered(n), Cart{cart_id(n), 1, true, telling_lines(50)}, 1, token(1), {}});
  const auto write = [&] {
    for (auto& one : writes)
      ++one.cart.version;
    return lane->write(writes, 5s);
  };
  const auto until_copied = [&] {
    const auto before = std::filesystem::file_size(file("mirror.sqlite3"));
    constexpr std::uintmax_t soft_max = 1'000 * (4'096 + 24); // with each page's header
    while (std::filesystem::file_size(file("mirror.sqlite3-wal")) <= soft_max)
      must(write());
    while (std::filesystem::file_size(file("mirror.sqlite3")) == before)
      std::this_thread::sleep_for(10ms); // nothing announces it
  };
  must(write());
  until_copied();

  for (const char* name : {"mirror.sqlite3", "mirror.sqlite3-wal", "mirror.sqlite3-shm"})
    std::filesystem::remove(file(name));
  {
    const FileSizeLimit full(0);
    EXPECT_FALSE(write()); // which breaks the connection to what was removed
  }
  must(write());
  until_copied();
}

} // namespace
} // namespace panier::contract
