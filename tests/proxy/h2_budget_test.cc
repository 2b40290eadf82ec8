#include "proxy/h2_budget.h"

#include <gtest/gtest.h>

#include "proxy/deadline.h"

namespace proxy {
namespace {

constexpr std::uint64_t second = std::chrono::seconds(1) / Deadlines::tick;

TEST(H2Budget, RefusesWhenItIsEmpty) {
  H2Budget budget(3, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(7));
  EXPECT_FALSE(budget.take(7));
}

TEST(H2Budget, EarnsNothingForTheTimeBeforeItWasUsed) {
  H2Budget budget(3, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(1000 * second));
  EXPECT_FALSE(budget.take(1000 * second + 1));
}

TEST(H2Budget, FillsWithTimeButNotOverItsMost) {
  H2Budget budget(3, 2);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(1));
  EXPECT_TRUE(budget.take(1 + second));
  EXPECT_TRUE(budget.take(1 + second));
  EXPECT_FALSE(budget.take(1 + second));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(1 + 100 * second));
  EXPECT_FALSE(budget.take(1 + 100 * second));
}

TEST(H2Budget, GivesBackForUsefulWork) {
  H2Budget budget(2, 0);
  EXPECT_TRUE(budget.take(1, 2));
  budget.give(1);
  EXPECT_TRUE(budget.take(1));
  EXPECT_FALSE(budget.take(1));
}

TEST(H2FloodGuard, EndsRapidResetsButNotABrowserThatLeavesAPage) {
  H2FloodGuard guard;
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(guard.reset(1));
  int borne = 0;
  while (guard.reset(1) && borne < 1000) ++borne;
  EXPECT_LT(borne, 100);
}

TEST(H2FloodGuard, LetsWindowUpdatesFollowWhatWasSent) {
  H2FloodGuard guard;
  for (int i = 0; i < 20000; ++i) {
    if (i % 2 == 0) guard.data_sent();
    ASSERT_TRUE(guard.window_update(1));
  }
}

TEST(H2FloodGuard, EndsAHeaderBlockWithoutEnd) {
  H2FloodGuard guard;
  int rounds = 0;
  while (guard.header_block(16384, 32768) && rounds < 1000) ++rounds;
  EXPECT_LT(rounds, 20);
  guard.header_block_ended();
  EXPECT_TRUE(guard.header_block(16384, 32768));
}

}  // namespace
}  // namespace proxy
