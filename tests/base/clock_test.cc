#include "base/clock.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using namespace std::chrono_literals;

TEST(FakeClock, StandsStillUntilItIsMoved) {
  FakeClock clock(SystemTime(1000s));
  const SteadyTime before = clock.steady();
  EXPECT_EQ(clock.now(), SystemTime(1000s));
  EXPECT_EQ(clock.now(), clock.now());
  clock.advance(5s);
  EXPECT_EQ(clock.now(), SystemTime(1005s));
  EXPECT_EQ(clock.steady() - before, 5s);
}

TEST(SystemClock, NeverRunsBackwards) {
  const Clock& clock = system_clock();
  const SteadyTime before = clock.steady();
  EXPECT_GE(clock.steady(), before);
  EXPECT_GT(clock.now(), SystemTime(1'700'000'000s));
}

}  // namespace
}  // namespace base
