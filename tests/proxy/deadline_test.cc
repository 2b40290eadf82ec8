#include "proxy/deadline.h"

#include <gtest/gtest.h>

#include <memory>

namespace proxy {
namespace {

using namespace std::chrono_literals;

// Time only passes by advance(): the real one stands still as far as the wheel can see.
class Wheel {
 public:
  void pass(std::chrono::milliseconds time) {
    passed_ += time;
    deadlines.advance(start_ + passed_);
  }
  Deadlines deadlines;

 private:
  // A little later than the wheel's own start.
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::milliseconds passed_{};
};

TEST(Deadline, DoesNothingUnlessArmed) {
  Wheel wheel;
  int expired = 0;
  Deadline deadline(wheel.deadlines, [&] { ++expired; });
  deadline.arm(0ms);
  EXPECT_FALSE(deadline.armed());
  deadline.arm(100ms);
  deadline.disarm();
  wheel.pass(1s);
  EXPECT_EQ(expired, 0);
}

TEST(Deadline, NeverComesEarlyAndOnlyOnce) {
  Wheel wheel;
  int expired = 0;
  Deadline deadline(wheel.deadlines, [&] { ++expired; });
  deadline.arm(100ms);
  wheel.pass(99ms);
  EXPECT_EQ(expired, 0);
  wheel.pass(61ms);
  EXPECT_EQ(expired, 1);
  EXPECT_FALSE(deadline.armed());
  wheel.pass(1h);
  EXPECT_EQ(expired, 1);
}

TEST(Deadline, LaterAndEarlierArmsReplaceTheFirst) {
  Wheel wheel;
  int expired = 0;
  Deadline deadline(wheel.deadlines, [&] { ++expired; });
  deadline.arm(100ms);
  wheel.pass(80ms);
  deadline.arm(1s);
  wheel.pass(900ms);
  EXPECT_EQ(expired, 0);
  deadline.arm(40ms);
  wheel.pass(100ms);
  EXPECT_EQ(expired, 1);
}

TEST(Deadline, GoesBeyondTheWheel) {
  Wheel wheel;
  int expired = 0;
  Deadline deadline(wheel.deadlines, [&] { ++expired; });
  deadline.arm(5min);
  wheel.pass(4min + 59s);
  EXPECT_EQ(expired, 0);
  wheel.pass(2s);
  EXPECT_EQ(expired, 1);
}

TEST(Deadline, MayBeArmedAgainFromItsOwnEnd) {
  Wheel wheel;
  int expired = 0;
  std::unique_ptr<Deadline> deadline;
  deadline = std::make_unique<Deadline>(wheel.deadlines, [&] {
    if (++expired < 3) deadline->arm(20ms);
  });
  deadline->arm(20ms);
  wheel.pass(1s);
  EXPECT_EQ(expired, 3);
}

TEST(Deadline, WheelSleepsUntilTheNextDeadlineOnceNothingIsArmedAnyMore) {
  Wheel wheel;
  EXPECT_EQ(wheel.deadlines.sleep(1s), 1s);
  Deadline deadline(wheel.deadlines, [] {});
  deadline.arm(500ms);
  EXPECT_EQ(wheel.deadlines.sleep(1s), Deadlines::tick);  // something happens: it may do so again
  const auto left = wheel.deadlines.sleep(1s);
  EXPECT_GT(left, 400ms);
  EXPECT_LE(left, 540ms);
}

TEST(Deadline, ArmingWakesTheWheelOnceAndCountsFromTheRealTime) {
  Deadlines deadlines;
  int woken = 0;
  deadlines.on_wake([&] { ++woken; });
  EXPECT_EQ(deadlines.sleep(10s), 10s);
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < 100ms) {
  }
  int expired = 0;
  Deadline deadline(deadlines, [&] { ++expired; });
  deadline.arm(200ms);
  deadline.arm(200ms);
  EXPECT_EQ(woken, 1);
  const auto armed = std::chrono::steady_clock::now();
  deadlines.advance(armed + 190ms);  // counted from when the wheel fell asleep it would be due
  EXPECT_EQ(expired, 0);
  deadlines.advance(armed + 260ms);
  EXPECT_EQ(expired, 1);
}

TEST(Deadline, MayEndOthersThatAreDueAtTheSameMoment) {
  Wheel wheel;
  int expired = 0;
  std::unique_ptr<Deadline> first;
  std::unique_ptr<Deadline> second;
  first = std::make_unique<Deadline>(wheel.deadlines, [&] {
    ++expired;
    second.reset();
  });
  second = std::make_unique<Deadline>(wheel.deadlines, [&] {
    ++expired;
    first.reset();
  });
  first->arm(40ms);
  second->arm(40ms);
  wheel.pass(1s);
  EXPECT_EQ(expired, 1);
}

}  // namespace
}  // namespace proxy
