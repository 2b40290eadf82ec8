#include "acme/drain_patience.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace acme {
namespace {

using namespace std::chrono_literals;

// Whether `token` asks to stop within the time.
bool stops_within(std::chrono::milliseconds time, const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any nobody_wakes;
  std::unique_lock lock(mutex);
  nobody_wakes.wait_for(lock, token, time, [] { return false; });
  return token.stop_requested();
}

TEST(DrainPatience, EndsSomeTimeAfterADrainHasBegunAndNotBefore) {
  std::stop_source drain;
  const DrainPatience patience(200ms, drain.get_token());
  EXPECT_FALSE(stops_within(300ms, patience.token())) << "nobody drains";
  const auto begun = std::chrono::steady_clock::now();
  drain.request_stop();
  EXPECT_TRUE(stops_within(20s, patience.token()));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
}

TEST(DrainPatience, IsGoneAtOnceWhenWhatItIsForIsDone) {
  std::stop_source drain;
  drain.request_stop();
  const auto begun = std::chrono::steady_clock::now();
  {
    const DrainPatience patience(20s, drain.get_token());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
}

}  // namespace
}  // namespace acme
