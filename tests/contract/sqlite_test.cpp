// What only the SQLite stores promise: one process a directory, files of our own, and answers that
// name the trouble.
#include <gtest/gtest.h>

#include <sqlite3.h>
#include <sys/stat.h>

#include "commit/ports/mirror.hpp"
#include "sqlite_fixture.hpp"

namespace panier::contract {
namespace {

using store::sqlite::DataDirectory;
using store::sqlite::SqliteLedgerStore;
using store::sqlite::SqliteMirrorStore;

// A hand at the file.
void run_sql(const std::filesystem::path& file, const char* sql) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open(file.c_str(), &raw);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(raw, &sqlite3_close);
  ASSERT_EQ(opened, SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
}

class SqliteTest : public testing::Test {
protected:
  std::filesystem::path file(const char* name) { return directory_.path() / name; }
  void put(commit::Ledger& ledger, const UserId& who) {
    auto opened = must(ledger.open({{}, {{who, cart_id(1)}}, {}}));
    Writes writes;
    writes.carts = opened.carts;
    writes.carts[0].cart.exists = true;
    writes.carts[0].cart.version = 10;
    writes.carts[0].cart.lines = {line("a", 1000)};
    must(ledger.commit(writes));
  }
  TemporaryDirectory directory_;
  runtime::SystemClock clock_;
};

TEST_F(SqliteTest, ADirectoryIsClaimedOnceAndFreedWithItsClaim) {
  auto first = DataDirectory::claim(directory_.path());
  ASSERT_TRUE(first);
  const auto second = DataDirectory::claim(directory_.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::config_invalid);
  EXPECT_EQ(second.error().field, "PANIER_DATA_DIR");
  first->reset();
  EXPECT_TRUE(DataDirectory::claim(directory_.path()));
}

TEST_F(SqliteTest, AnAbsentDirectoryIsMadeForItsOwnerAlone) {
  const auto path = directory_.path() / "deep" / "data";
  ASSERT_TRUE(DataDirectory::claim(path));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(SqliteTest, AVisitorReadsBesideTheRunningService) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  SqliteLedgerStore visited({.dir = must(DataDirectory::visit(directory_.path()))}, clock_);
  EXPECT_FALSE(visited.is_set_up());
  must(store.prepare());
  EXPECT_TRUE(visited.is_set_up());
  const auto service = store.connect();
  put(*service, user("u"));
  EXPECT_EQ(must(visited.connect()->scan(std::nullopt, 10)).size(), 1u);
  EXPECT_FALSE(DataDirectory::visit(directory_.path() / "nowhere"));
  EXPECT_FALSE(DataDirectory::claim(directory_.path())) << "a visit frees nothing";
}

TEST_F(SqliteTest, WhatWasCommittedIsThereAfterTheProcess) {
  {
    SqliteLedgerStore store(sqlite_settings(directory_), clock_);
    must(store.prepare());
    put(*store.connect(), user("u"));
  }
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  must(store.prepare());
  EXPECT_EQ(must(store.connect()->read(std::vector{user("u")})).size(), 1u);
}

TEST_F(SqliteTest, AFileThatWasNeverPreparedIsUnreachableNotEmpty) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  const auto rows = store.connect()->read(std::vector{user("u")});
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Errc::store_unreachable);
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsSaidToBeNone) {
  const auto settings = sqlite_settings(directory_);
  std::FILE* junk = std::fopen(file("ledger.sqlite3").c_str(), "w");
  ASSERT_NE(junk, nullptr);
  std::fputs("this is no database, and it is longer than a header of one hundred bytes would have "
             "to be for SQLite to look at it",
             junk);
  std::fclose(junk);
  SqliteLedgerStore store(settings, clock_);
  const auto prepared = store.prepare();
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, Errc::store_corrupt);
}

TEST_F(SqliteTest, ASchemaOfALaterPanierIsLeftAlone) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  must(store.prepare());
  run_sql(file("ledger.sqlite3"), "UPDATE schema_version SET version = 1000");
  const auto prepared = store.prepare();
  ASSERT_FALSE(prepared);
  EXPECT_NE(prepared.error().detail.find("later panier"), std::string::npos);
}

TEST_F(SqliteTest, LinesThatCannotBeReadComeAsTheyStandAndAreKept) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  must(store.prepare());
  const auto ledger = store.connect();
  put(*ledger, user("u"));
  run_sql(file("ledger.sqlite3"), "UPDATE panier SET articles = '[oops'");
  auto row = must(ledger->read(std::vector{user("u")})).at(0);
  EXPECT_EQ(row.unreadable, "[oops");
  (void)must(ledger->open({{}, {{user("u"), std::nullopt}}, {}}));
  row.cart.version = 11;
  Writes writes;
  writes.carts = {row};
  must(ledger->commit(writes));
  EXPECT_EQ(must(ledger->read(std::vector{user("u")})).at(0).unreadable, "[oops");
}

TEST_F(SqliteTest, ARowThatCannotBeReadFailsAloneAndIsKept) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  must(store.prepare());
  const auto ledger = store.connect();
  put(*ledger, user("u"));
  const auto spoil = [&](const char* sql) {
    run_sql(file("ledger.sqlite3"), sql);
    auto opened = must(ledger->open({{}, {{user("u"), std::nullopt}}, {}}));
    Writes writes;
    writes.carts = opened.carts;
    ++writes.carts.at(0).cart.version;
    must(ledger->commit(writes));
    EXPECT_EQ(must(ledger->scan(std::nullopt, 10)).size(), 1U);
    return must(ledger->read(std::vector{user("u")})).at(0);
  };
  EXPECT_EQ(spoil("UPDATE panier SET token = x'00'").cart.lines, std::vector{line("a", 1000)});
  const std::string kept = R"([{"article_id": "a", "quantite": 1.0}])";
  for (const auto* sql : {"UPDATE panier SET id = 'short'",
                          "UPDATE panier SET id = '0123456789abcdef01234567', id_maria = 1 << 40"})
    EXPECT_EQ(spoil(sql).unreadable.value_or("").substr(0, kept.size()), kept) << sql;
}

TEST_F(SqliteTest, ARowThatNoRequestCanNameIsToldApart) {
  SqliteLedgerStore store(sqlite_settings(directory_), clock_);
  must(store.prepare());
  const auto ledger = store.connect();
  put(*ledger, user("u"));
  const auto rename = [&](const char* to, const char* id) {
    const auto sql = std::string("INSERT INTO panier SELECT NULL, '") + id + "', " + to +
                     ", articles, version, token, created_at, updated_at, deleted_at FROM panier"
                     " WHERE user_id = 'u'";
    run_sql(file("ledger.sqlite3"), sql.c_str());
  };
  rename("'jean dupont'", "1");
  rename("''", "2");
  rename("'chloé'", "3");
  rename("printf('%065d', 1)", "4");
  EXPECT_EQ(must(ledger->misnamed({}, {}, 10)).size(), 4U);
  EXPECT_EQ(must(ledger->misnamed({}, {}, 3)).size(), 3U);
  expect_misnamed_apart(*ledger, user("u"), [&] {
    run_sql(file("ledger.sqlite3"), "UPDATE panier SET deleted_at = 1;"
                                    "INSERT INTO panier_mirror_lag VALUES ('jean dupont', 1)");
  });
}

TEST_F(SqliteTest, AMirrorsDocumentThatCannotBeReadIsToldAndNotRead) {
  SqliteMirrorStore store(sqlite_settings(directory_));
  const auto mirror = store.connect();
  const std::array writes{
      commit::MirrorWrite{user("u"), Cart{cart_id(1), 10, true, {line("a", 1000)}}, 1, {}, {}},
      commit::MirrorWrite{user("v"), Cart{cart_id(2), 10, true, {}}, 2, {}, {}}};
  must(mirror->write(writes, 1s));
  run_sql(file("mirror.sqlite3"), "UPDATE panier SET articles = '{}' WHERE user_id = 'u';"
                                  "UPDATE panier SET _id = 'short' WHERE user_id = 'v'");
  const auto page = must(mirror->scan(std::nullopt, 10, 1s));
  ASSERT_EQ(page.docs.size(), 1u);
  EXPECT_FALSE(page.docs[0].readable);
  EXPECT_EQ(page.unreadable, 1);
}

TEST_F(SqliteTest, ADroppedIndexIsMissingThenBuilt) {
  SqliteMirrorStore store(sqlite_settings(directory_));
  const auto mirror = store.connect();
  must(mirror->ping(1s));
  run_sql(file("mirror.sqlite3"), "DROP INDEX user_id_1");
  EXPECT_EQ(must(mirror->ensure_index(false, 1s)), commit::IndexState::missing);
  EXPECT_EQ(must(mirror->ensure_index(true, 1s)), commit::IndexState::built);
  EXPECT_EQ(must(mirror->ensure_index(false, 1s)), commit::IndexState::present);
}

TEST_F(SqliteTest, AnIndexThatCannotBeBuiltForDuplicatesIsMissingNotAnError) {
  SqliteMirrorStore store(sqlite_settings(directory_));
  const auto mirror = store.connect();
  const std::array writes{
      commit::MirrorWrite{user("u"), Cart{cart_id(1), 10, true, {}}, 1, {}, {}},
      commit::MirrorWrite{user("v"), Cart{cart_id(2), 10, true, {}}, 2, {}, {}}};
  must(mirror->write(writes, 1s));
  run_sql(file("mirror.sqlite3"),
          "DROP INDEX user_id_1; UPDATE panier SET user_id = 'u' WHERE user_id = 'v'");
  EXPECT_EQ(must(mirror->ensure_index(true, 1s)), commit::IndexState::missing);
  EXPECT_EQ(must(mirror->find(std::vector{user("u")}, 1s)).size(), 2u) << "both are told";
}

} // namespace
} // namespace panier::contract
