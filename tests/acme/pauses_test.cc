#include "acme/pauses.h"

#include <gtest/gtest.h>

#include <vector>

namespace acme {
namespace {

using namespace std::chrono_literals;

class PausesTest : public testing::Test {
 protected:
  Pauses make() {
    return {[this](std::chrono::milliseconds pause, const std::stop_token&) {
              waited_.push_back(pause);
              return !stopped_;
            },
            {}};
  }
  std::vector<std::chrono::milliseconds> waited_;
  bool stopped_ = false;
};

TEST_F(PausesTest, EndAfterFiveMinutesWithWhatWasWaitedFor) {
  Pauses pauses = make();
  Outcome<void> last;
  for (int i = 0; i < 1000 && last; ++i) last = pauses.wait(10s, "the CA is not done");
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().error.code, base::Code::timeout);
  EXPECT_EQ(last.error().error.what, "the CA is not done after 300 s");
  EXPECT_EQ(waited_.size(), 30U);
}

TEST_F(PausesTest, AreBrokenOffByAStop) {
  Pauses pauses = make();
  stopped_ = true;
  const auto waited = pauses.wait(std::nullopt, "nothing");
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().error.code, base::Code::cancelled);
}

TEST_F(PausesTest, NeitherHammerTheServerNorSleepForWhatItAsks) {
  Pauses pauses = make();
  ASSERT_TRUE(pauses.wait(0s, "x"));
  ASSERT_TRUE(pauses.wait(86'400s, "x"));
  EXPECT_EQ(waited_, (std::vector{250ms, 10'000ms}));
}

TEST_F(PausesTest, DoubleWhereTheServerSaysNothing) {
  Pauses pauses = make();
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(pauses.wait(std::nullopt, "x"));
  EXPECT_EQ(waited_, (std::vector{500ms, 1'000ms, 2'000ms, 4'000ms, 8'000ms, 10'000ms, 10'000ms}));
}

}  // namespace
}  // namespace acme
