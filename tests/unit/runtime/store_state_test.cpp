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

class OnTrial : public ::testing::Test {
protected:
  OnTrial() {
    state_.leave_to_probe();
    state_.found_up(1ms);
    fail();
    EXPECT_TRUE(state_.down()) << "perhaps it is away";
    state_.found_up(1ms);
    EXPECT_EQ(state_.snapshot().status, Status::up) << "once may be a restart";
    clock_.advance(500ms);
    state_.found_up(1ms); // which is no write either
    fail();
  }
  void fail() { state_.write_failed({Errc::store_unreachable, "", "disk full"}, clock_.steady()); }

  test::ManualClock clock_;
  StoreState state_{"mariadb", clock_};
};

TEST_F(OnTrial, writes_are_tried_and_nobody_is_told_that_it_is_up) {
  EXPECT_TRUE(state_.on_trial());
  EXPECT_FALSE(state_.writable());
  EXPECT_TRUE(state_.readable());
  const auto since = state_.snapshot().since;
  clock_.advance(1s);
  for (int i = 0; i < 3; ++i) {
    state_.found_up(1ms);
    EXPECT_TRUE(state_.writable());
    EXPECT_EQ(state_.snapshot().status, Status::down);
    fail();
    EXPECT_FALSE(state_.writable()) << "until it is asked again";
    EXPECT_TRUE(state_.readable());
  }
  EXPECT_EQ(state_.snapshot().since, since);
}

TEST_F(OnTrial, a_store_that_does_not_answer_at_all_is_not_read) {
  state_.failed({Errc::store_unreachable, "", ""});
  EXPECT_FALSE(state_.readable());
  state_.found_up(1ms);
  EXPECT_TRUE(state_.readable());
  EXPECT_TRUE(state_.on_trial());
}

TEST_F(OnTrial, ends_with_a_write_and_not_with_an_answer) {
  state_.answered(1ms);
  EXPECT_EQ(state_.snapshot().status, Status::down);
  state_.wrote(1ms);
  EXPECT_EQ(state_.snapshot().status, Status::up);
  EXPECT_TRUE(state_.writable());
  EXPECT_FALSE(state_.on_trial());
  fail();
  state_.found_up(1ms);
  EXPECT_EQ(state_.snapshot().status, Status::up) << "the next failure is a first one";
}

TEST_F(OnTrial, ends_where_nothing_has_failed_for_a_while) {
  clock_.advance(59s);
  state_.found_up(1ms);
  EXPECT_TRUE(state_.on_trial());
  clock_.advance(1s);
  state_.found_up(1ms);
  EXPECT_FALSE(state_.on_trial());
  EXPECT_EQ(state_.snapshot().status, Status::up);
}

TEST(StoreState, beats_that_fail_one_after_the_other_are_no_trial) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  for (int lane = 0; lane < 4; ++lane) { // each finds its own connection gone, after a restart
    state.failed({Errc::store_unreachable, "", "gone away"});
    state.found_up(1ms);
    EXPECT_EQ(state.snapshot().status, Status::up);
  }
}

TEST(StoreState, what_was_sent_before_it_was_found_up_is_no_trial) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  const Error late{Errc::store_timeout, "", "no answer"};
  const auto begun = clock.steady();
  clock.advance(1s);
  state.write_failed(late, begun);
  state.found_up(1ms);
  clock.advance(300ms);
  state.write_failed(late, begun); // of another lane
  EXPECT_FALSE(state.on_trial());
  state.found_up(1ms);
  EXPECT_EQ(state.snapshot().status, Status::up);
}

TEST(StoreState, who_is_locked_out_is_on_trial_at_once) {
  test::ManualClock clock;
  StoreState state("mariadb", clock);
  state.leave_to_probe();
  state.found_up(1ms);
  state.locked_out({Errc::store_conflict, "", "locked"});
  EXPECT_EQ(state.snapshot().status, Status::down);
  EXPECT_EQ(state.snapshot().last_error, "store_conflict: locked");
  EXPECT_TRUE(state.readable());
  EXPECT_FALSE(state.writable());
  state.wrote(1ms);
  EXPECT_TRUE(state.writable());
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
