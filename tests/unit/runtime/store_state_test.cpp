#include "runtime/store_state.hpp"

#include <gtest/gtest.h>

#include "support/manual_clock.hpp"

namespace panier::runtime {
namespace {

using namespace std::chrono_literals;
using Status = StoreState::Status;

TEST(StoreState, unknown_is_usable) {
  test::ManualClock clock;
  const StoreState state("mariadb", clock);
  EXPECT_EQ(state.snapshot().name, "mariadb");
  EXPECT_EQ(state.snapshot().status, Status::unknown);
  EXPECT_EQ(state.snapshot().since, clock.wall());
  EXPECT_FALSE(state.down());
  EXPECT_TRUE(state.writable());
}

TEST(StoreState, since_is_when_the_status_changed_not_when_it_was_last_seen) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  const auto start = clock.wall();
  clock.advance(1s);
  state.answered(5ms);
  clock.advance(1s);
  state.answered(7ms);
  EXPECT_EQ(state.snapshot().since, start + 1s);
  EXPECT_EQ(state.snapshot().latency, 7ms);
  clock.advance(1s);
  state.failed({Errc::store_timeout, "", "no answer"});
  clock.advance(1s);
  state.failed({Errc::store_unreachable, "", ""});
  EXPECT_TRUE(state.down());
  EXPECT_FALSE(state.writable());
  EXPECT_EQ(state.snapshot().since, start + 3s);
  EXPECT_EQ(state.snapshot().last_error, "store_unreachable");
  state.answered(1ms);
  EXPECT_FALSE(state.down());
  EXPECT_EQ(state.snapshot().status, Status::up);
  EXPECT_EQ(state.snapshot().last_error,
            "store_unreachable"); // of the last failure, whenever that was
}

TEST(StoreState, a_notice_forbids_writes_alone) {
  test::ManualClock clock;
  StoreState state("mongodb", clock);
  state.set_notice("unique index missing");
  EXPECT_FALSE(state.down());
  EXPECT_FALSE(state.writable());
  EXPECT_EQ(state.snapshot().notice, "unique index missing");
  EXPECT_TRUE(state.readable());
  state.set_notice("");
  EXPECT_TRUE(state.writable());
}

TEST(StoreState, what_is_left_to_a_probe_is_brought_up_by_it_alone) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  state.leave_to_probe();
  EXPECT_FALSE(state.writable()) << "nobody has looked yet";
  state.answered(1ms);
  EXPECT_TRUE(state.down());
  state.found_up(1ms);
  EXPECT_TRUE(state.writable());
  state.failed({Errc::store_unreachable, {}, {}});
  state.answered(1ms);
  EXPECT_TRUE(state.down());
  EXPECT_EQ(state.snapshot().status, Status::down);
  state.found_up(1ms);
  EXPECT_EQ(state.snapshot().status, Status::up);
}

TEST(StoreState, a_notice_may_forbid_reads_too) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  state.set_notice("lost", StoreState::Forbids::reads_too);
  EXPECT_FALSE(state.writable());
  EXPECT_FALSE(state.readable());
  state.set_notice("perhaps lost");
  EXPECT_FALSE(state.writable());
  EXPECT_TRUE(state.readable());
  state.set_notice({});
  EXPECT_TRUE(state.readable());
  state.failed({Errc::store_unreachable, {}, {}});
  EXPECT_FALSE(state.readable());
}

TEST(StoreState, a_write_that_falls_behind_while_others_are_counted_is_not_forgotten) {
  test::ManualClock clock;
  StoreState state("mongodb", clock);
  EXPECT_TRUE(state.behind()) << "nobody has looked yet";
  auto mark = state.behind_mark();
  state.caught_up(mark);
  EXPECT_FALSE(state.behind());
  mark = state.behind_mark();
  state.fell_behind();
  state.caught_up(mark);
  EXPECT_TRUE(state.behind());
}

} // namespace
} // namespace panier::runtime
