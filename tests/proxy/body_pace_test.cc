#include "proxy/body_pace.h"

#include <gtest/gtest.h>

namespace proxy {
namespace {

using namespace std::chrono_literals;

TEST(BodyPace, EndsWithAClientThatSendsAByteNowAndThen) {
  BodyPace pace(60s, 240);
  int waits = 0;
  for (; pace.left() > 5s && waits < 100; ++waits) pace.waited(5s, 1);
  EXPECT_EQ(waits, 12);  // of 5 s each: the minute that is its due
}

TEST(BodyPace, LeavesAClientAloneThatKeepsTheRate) {
  BodyPace pace(60s, 240);
  for (int wait = 0; wait < 10'000; ++wait) pace.waited(5s, 1200);
  EXPECT_EQ(pace.left(), 60s);
}

TEST(BodyPace, ForgivesAPause) {
  BodyPace pace(60s, 240);
  pace.waited(59s, 16'384);
  EXPECT_EQ(pace.left(), 60s);
}

TEST(BodyPace, CannotBeSavedUpByAQuickBeginning) {
  BodyPace pace(60s, 240);
  pace.waited(1ms, std::uint64_t{1} << 40U);
  EXPECT_EQ(pace.left(), 60s);
}

TEST(BodyPace, WithoutARateEveryWaitHasItsWholeTime) {
  BodyPace pace(60s, 0);
  pace.waited(59s, 1);
  EXPECT_EQ(pace.left(), 60s);
  EXPECT_EQ(BodyPace(0s, 240).left(), 0s);
}

}  // namespace
}  // namespace proxy
