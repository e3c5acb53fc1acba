// The log: what a line looks like, and that nobody ever waits for whoever reads it.
#include "runtime/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "support/manual_clock.hpp"

namespace panier::runtime::log {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

// Both ends of a pipe or a pair of sockets.
class Channel {
public:
  static Channel pipe() {
    Channel channel;
    EXPECT_EQ(::pipe2(channel.ends_.data(), O_CLOEXEC), 0);
    return channel;
  }
  static Channel socket() {
    Channel channel;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.ends_.data()), 0);
    return channel;
  }
  Channel(Channel&& other) noexcept : ends_(std::exchange(other.ends_, {-1, -1})) {}
  ~Channel() {
    close_reader();
    if (ends_[1] >= 0) ::close(ends_[1]);
  }
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
  }
  // Fills it up to the last byte, without changing the flags that its writers share.
  void fill() const {
    const std::string path = "/proc/self/fd/" + std::to_string(ends_[1]);
    const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string block(4096, '.');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    while (::write(fd, ".", 1) > 0) {
    }
    ::close(fd);
  }
  // All that is in it now.
  [[nodiscard]] std::string drain() const {
    std::string all;
    std::array<char, 65536> block{};
    const int flags = ::fcntl(ends_[0], F_GETFL);
    ::fcntl(ends_[0], F_SETFL, flags | O_NONBLOCK);
    for (ssize_t got = 0; (got = ::read(ends_[0], block.data(), block.size())) > 0;)
      all.append(block.data(), static_cast<std::size_t>(got));
    ::fcntl(ends_[0], F_SETFL, flags);
    return all;
  }

private:
  Channel() = default;
  std::array<int, 2> ends_{-1, -1};
};

TEST(Log, a_line_is_one_json_object) {
  test::ManualClock clock;
  const std::string text = "two\nlines";
  EXPECT_EQ(
      render(clock.wall(), Level::warn, "hello",
             {{"text", text},
              {"word", "w"},
              {"n", -3},
              {"u", 18'446'744'073'709'551'615ULL},
              {"d", 1.5},
              {"b", true}}),
      R"({"ts":"2025-11-24T16:00:00.000Z","level":"warn","msg":"hello","text":"two\nlines","word":"w","n":-3,)"
      R"("u":18446744073709551615,"d":1.5,"b":true})");
  EXPECT_THAT(
      render(clock.wall(), Level::info, "m", {{"d", std::numeric_limits<double>::infinity()}}),
      HasSubstr("\"d\":null"));
}

TEST(Log, a_line_never_passes_what_a_pipe_takes_at_once) {
  test::ManualClock clock;
  const std::string big(10'000, '\n');
  const std::string line =
      render(clock.wall(), Level::info, big, {{"a", big}, {"b", big}, {"c", 1}});
  EXPECT_LT(line.size(), line_bytes_max);
  EXPECT_THAT(line, HasSubstr("\"a\":"));
  EXPECT_THAT(line, EndsWith(R"("truncated":true})"));
}

TEST(Log, lines_below_the_level_are_left_out) {
  test::ManualClock clock;
  Channel pipe = Channel::pipe();
  {
    Session session(Level::warn, clock, pipe.writer());
    info("not this");
    warn("this");
    EXPECT_FALSE(enabled(Level::info));
    set_level(Level::debug);
    debug("and this");
  }
  EXPECT_FALSE(enabled(Level::error)); // no session
  error("nor this");
  const std::string text = pipe.drain();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_THAT(text, testing::Not(HasSubstr("not this")));
  EXPECT_THAT(text, HasSubstr("\"this\""));
  EXPECT_THAT(text, HasSubstr("and this"));
}

TEST(Log, a_socket_is_as_good_as_a_pipe) {
  test::ManualClock clock;
  Channel socket = Channel::socket();
  {
    Session session(Level::info, clock, socket.writer());
    info("hello");
  }
  EXPECT_THAT(socket.drain(), HasSubstr("hello"));
}

// Were any of these calls to wait for the pipe, this test would never end.
TEST(Log, a_full_pipe_loses_lines_and_nobody_waits) {
  test::ManualClock clock;
  Channel pipe = Channel::pipe();
  pipe.fill();
  const std::uint64_t before = lost();
  {
    Session session(Level::info, clock, pipe.writer());
    for (std::size_t i = 0; i < 2 * queue_lines_max; ++i)
      info("nobody reads this");
  }
  EXPECT_EQ(lost() - before, 2 * queue_lines_max);
  EXPECT_EQ(::fcntl(pipe.writer(), F_GETFL) & O_NONBLOCK, 0); // others write there too
}

TEST(Log, what_was_lost_is_told_once_there_is_room) {
  test::ManualClock clock;
  Channel pipe = Channel::pipe();
  pipe.fill();
  const std::uint64_t before = lost();
  Session session(Level::info, clock, pipe.writer());
  info("one");
  while (lost() == before) // the background thread gives up after patience_max
    std::this_thread::yield();
  (void)pipe.drain();
  std::string text;
  info("two");
  while (!text.contains("two")) {
    text += pipe.drain();
    std::this_thread::yield();
  }
  EXPECT_THAT(text, HasSubstr(R"("msg":"log lines lost","lost":1)"));
  EXPECT_THAT(text, testing::Not(HasSubstr("one")));
}

// A limit of the file's size stands for a disk that is full, and then is not.
TEST(Log, after_a_full_disk_every_line_stands_alone) {
  test::ManualClock clock;
  ::signal(SIGXFSZ, SIG_IGN);
  const int file = ::memfd_create("log", MFD_CLOEXEC);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit full{30, before.rlim_max};
  const std::uint64_t lost_before = lost();
  {
    Session session(Level::info, clock, file);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    info("torn");
    while (lost() == lost_before)
      std::this_thread::yield();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    info("whole");
  }
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::pread(file, text.data(), text.size(), 0)));
  ::close(file);
  EXPECT_THAT(text, HasSubstr("\n{")) << "after the half";
  EXPECT_THAT(text, HasSubstr(R"("msg":"log lines lost","lost":1)"));
  EXPECT_THAT(text, HasSubstr("whole"));
  EXPECT_EQ(text.find('{', 1), 31U) << "30 bytes, and the line's end";
}

TEST(Log, a_reader_that_has_gone_does_not_end_the_process) {
  test::ManualClock clock;
  Channel pipe = Channel::pipe();
  pipe.close_reader();
  const std::uint64_t before = lost();
  {
    Session session(Level::info, clock, pipe.writer());
    info("to nobody");
  }
  EXPECT_EQ(lost() - before, 1U);
}

TEST(Log, a_descriptor_that_is_closed_loses_lines) {
  test::ManualClock clock;
  const std::uint64_t before = lost();
  {
    Session session(Level::info, clock, -1);
    info("to nobody");
  }
  EXPECT_EQ(lost() - before, 1U);
}

TEST(Limited, passes_once_an_interval_and_counts_the_rest) {
  test::ManualClock clock;
  Limited limited(clock, 10s);
  EXPECT_EQ(limited.pass(), 0U);
  EXPECT_EQ(limited.pass(), std::nullopt);
  clock.advance(9'999ms);
  EXPECT_EQ(limited.pass(), std::nullopt);
  clock.advance(1ms);
  EXPECT_EQ(limited.pass(), 2U);
  clock.advance(10s);
  EXPECT_EQ(limited.pass(), 0U);
}

} // namespace
} // namespace panier::runtime::log
