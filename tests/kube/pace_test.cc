#include <gtest/gtest.h>

#include "kube/backoff.h"
#include "kube/rate_limit.h"

namespace kube {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsLongestAndSpreads) {
  Backoff backoff({});
  base::SteadyTime now{};
  EXPECT_EQ(backoff.after_failure(now, 0.0), 800ms);
  EXPECT_EQ(backoff.after_failure(now, 0.5), 2400ms);
  for (int i = 0; i < 5; ++i) (void)backoff.after_failure(now, 0.0);
  EXPECT_EQ(backoff.after_failure(now, 0.0), 30s);
  EXPECT_LT(backoff.after_failure(now, 0.99), 60s);
}

TEST(Backoff, BeginsAnewAfterTwoGoodMinutesButNotAfterAPause) {
  Backoff backoff({});
  base::SteadyTime now{};
  now += backoff.after_failure(now, 0.0) + 119s;
  EXPECT_EQ(backoff.after_failure(now, 0.0), 1600ms);
  now += 1600ms + 120s;
  EXPECT_EQ(backoff.after_failure(now, 0.0), 800ms);
}

TEST(RateLimit, LetsABurstThroughAndThenOneAfterTheOther) {
  base::FakeClock clock(base::SystemTime{});
  RateLimit limit(clock, 10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take(), 0ns);
  EXPECT_EQ(limit.take(), 100ms);
  EXPECT_EQ(limit.take(), 200ms);
  clock.advance(300ms);
  EXPECT_EQ(limit.take(), 0ns);
  clock.advance(1h);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take(), 0ns);
  EXPECT_GT(limit.take(), 0ns);
}

}  // namespace
}  // namespace kube
