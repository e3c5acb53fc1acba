// failed_cart_requests.log: the platform's format, bounded, reopened.
#include "runtime/failure_log.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "support/manual_clock.hpp"

namespace panier::runtime {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Operation = FailureLog::Operation;
using Store = FailureLog::Store;

class FailureLogTest : public testing::Test {
protected:
  FailureLogTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "panier-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ / "failed_cart_requests.log";
  }
  ~FailureLogTest() override { std::filesystem::remove_all(directory_); }

  static std::vector<std::string> lines(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);)
      all.push_back(line);
    return all;
  }

  // Records with this error.
  [[nodiscard]] std::ptrdiff_t told(const std::string& error) const {
    return std::ranges::count_if(
        lines(path_), [&](const auto& line) { return line.ends_with("| error=" + error); });
  }
  // What all records of this kind together say was left out. One record may tell it or several: the
  // log's thread may come by in the middle of a storm.
  [[nodiscard]] int left_out_told(const std::string& kind) const {
    const std::string before = "| " + kind + " FAILED | data={\"left_out\":";
    int sum = 0;
    for (const std::string& line : lines(path_)) {
      const auto at = line.find(before);
      if (at == std::string::npos) continue;
      const int count = std::stoi(line.substr(at + before.size()));
      EXPECT_TRUE(line.ends_with("} | error=" + std::to_string(count) + " records left out"));
      sum += count;
    }
    return sum;
  }

  test::ManualClock clock_;
  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(FailureLogTest, writes_the_platforms_format) {
  clock_.set_wall(WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 25)) + 2h + 123ms);
  {
    FailureLog log(path_, clock_);
    log.record(Store::mariadb, Operation::insert, "{\"user_id\":\"u\"}", "no answer");
    log.record(Store::mongo, Operation::add, "", "");
    log.record(Store::mariadb, Operation::edit, "", "");
    log.record(Store::mongo, Operation::remove, "", "");
    log.record(Store::mariadb, Operation::erase, "", "");
    log.record(Store::mongo, Operation::empty, "", "");
  }
  const std::string time = "2026-11-25T02:00:00.123Z | ";
  EXPECT_THAT(
      lines(path_),
      ElementsAre(time + "MARIADB_CART INSERT FAILED | data={\"user_id\":\"u\"} | error=no answer",
                  time + "MONGO_CART PATCH ADD FAILED | data= | error=",
                  time + "MARIADB_CART PATCH EDIT FAILED | data= | error=",
                  time + "MONGO_CART PATCH REMOVE FAILED | data= | error=",
                  time + "MARIADB_CART DELETE CART FAILED | data= | error=",
                  time + "MONGO_CART PATCH VIDER FAILED | data= | error="));
}

TEST_F(FailureLogTest, no_data_can_make_a_line_or_a_field_of_its_own) {
  FailureLog log(path_, clock_);
  log.record(Store::mongo, Operation::add, R"({"a":"b\"c"})", "a\nb\r\x1b[2J | error=forged \xff");
  log.flush();
  const auto all = lines(path_);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0], HasSubstr(R"(data={"a":"b\"c"} | error=a\nb\r\u001b[2J \u007c error=forged )"
                                "\xEF\xBF\xBD"));
}

TEST_F(FailureLogTest, a_record_has_a_greatest_length) {
  FailureLog log(path_, clock_);
  log.record(Store::mongo, Operation::add, std::string(100'000, 'd'), std::string(100'000, '\x01'));
  log.flush();
  EXPECT_LE(std::filesystem::file_size(path_), FailureLog::record_bytes_max);
  EXPECT_EQ(lines(path_).size(), 1U);
}

TEST_F(FailureLogTest, appends_to_what_is_there_and_keeps_it_from_strangers) {
  std::ofstream(path_) << "old\n";
  {
    FailureLog log(path_, clock_);
    log.record(Store::mongo, Operation::add, "", "");
  }
  EXPECT_EQ(lines(path_).size(), 2U);
  std::filesystem::remove(path_);
  {
    FailureLog log(path_, clock_);
  }
  EXPECT_EQ(std::filesystem::status(path_).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none);
}

TEST_F(FailureLogTest, a_storm_is_bounded_and_what_is_left_out_is_counted_in_the_file) {
  FailureLog log(path_, clock_);
  for (int i = 0; i < FailureLog::burst_records_max + 30; ++i)
    log.record(Store::mariadb, Operation::add, "x", "down");
  log.record(Store::mongo, Operation::erase, "x", "down");
  log.flush();
  EXPECT_EQ(log.left_out(), 31U);
  EXPECT_EQ(told("down"), FailureLog::burst_records_max);
  EXPECT_EQ(left_out_told("MARIADB_CART PATCH ADD"), 30);
  EXPECT_EQ(left_out_told("MONGO_CART DELETE CART"), 1);

  clock_.advance(1s); // a second's worth may pass again, no more
  for (int i = 0; i < FailureLog::records_per_second_max + 1; ++i)
    log.record(Store::mariadb, Operation::add, "y", "down");
  log.flush();
  EXPECT_EQ(log.left_out(), 32U);
  EXPECT_EQ(told("down"), FailureLog::burst_records_max + FailureLog::records_per_second_max);
  EXPECT_EQ(left_out_told("MARIADB_CART PATCH ADD"), 31);
}

TEST_F(FailureLogTest, what_was_left_out_is_told_without_being_asked) {
  FailureLog log(path_, clock_);
  for (int i = 0; i < FailureLog::burst_records_max; ++i)
    log.record(Store::mariadb, Operation::add, "x", "down");
  log.flush();
  log.record(Store::mariadb, Operation::add, "x", "down");
  while (lines(path_).size() <= static_cast<std::size_t>(FailureLog::burst_records_max))
    std::this_thread::sleep_for(10ms); // nothing announces it
  EXPECT_THAT(lines(path_).back(), HasSubstr("left_out"));
}

TEST_F(FailureLogTest, reopen_follows_a_rotation) {
  FailureLog log(path_, clock_);
  log.record(Store::mongo, Operation::add, "before", "");
  log.flush();
  std::filesystem::rename(path_, directory_ / "old.log");
  log.record(Store::mongo, Operation::add, "still old", "");
  log.reopen();
  log.record(Store::mongo, Operation::add, "after", "");
  log.flush();
  EXPECT_EQ(lines(directory_ / "old.log").size(), 2U);
  ASSERT_EQ(lines(path_).size(), 1U);
  EXPECT_THAT(lines(path_)[0], HasSubstr("data=after"));
}

TEST_F(FailureLogTest, a_path_that_cannot_be_opened_is_counted_until_it_can) {
  const auto missing = directory_ / "missing";
  FailureLog log(missing / "failed.log", clock_);
  log.record(Store::mongo, Operation::add, "lost", "");
  log.flush();
  EXPECT_EQ(log.left_out(), 1U);
  std::filesystem::create_directory(missing);
  log.reopen();
  log.record(Store::mongo, Operation::add, "kept", "");
  log.flush();
  const auto all = lines(missing / "failed.log");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all, testing::UnorderedElementsAre(HasSubstr("data=kept"),
                                                 HasSubstr("data={\"left_out\":1}")));
  EXPECT_EQ(log.left_out(), 1U);
}

TEST_F(FailureLogTest, a_disk_that_is_full_costs_records_not_the_service) {
  FailureLog log("/dev/full", clock_);
  log.record(Store::mongo, Operation::add, "lost", "");
  log.flush();
  EXPECT_EQ(log.left_out(), 1U);
}

// A named pipe without a reader would hold up whoever opens it the ordinary way.
TEST_F(FailureLogTest, a_named_pipe_without_a_reader_holds_nobody_up) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  FailureLog log(path_, clock_);
  log.record(Store::mongo, Operation::add, "lost", "");
  log.flush();
  EXPECT_EQ(log.left_out(), 1U);
}

} // namespace
} // namespace panier::runtime
