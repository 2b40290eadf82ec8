#include "acme/renewal.h"

#include <gtest/gtest.h>

#include <limits>

namespace acme {
namespace {

using namespace std::chrono_literals;
using Reason = RenewalPlan::Reason;

constexpr std::chrono::seconds days(int count) {
  return std::chrono::hours(24 * count);
}

const base::SystemTime begin = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

RenewalInfo window(std::chrono::seconds start, std::chrono::seconds end) {
  return {begin + start, begin + end, {}};
}

TEST(TakeWindow, BoundsWhenItIsAskedAgain) {
  const struct {
    std::optional<std::chrono::seconds> retry_after;
    std::chrono::seconds expected;
  } cases[]{{std::nullopt, 6h}, {-5s, 1min}, {0s, 1min}, {1min, 1min},
            {3h, 3h},           {12h, 12h},  {24h, 12h}, {24h * 9999, 12h}};
  for (const auto& [retry_after, expected] : cases) {
    EXPECT_EQ(take_window(std::nullopt, window(1h, 2h), retry_after, begin, 0.5).poll_again, begin + expected);
  }
}

TEST(TakeWindow, ChoosesATimeInTheWindowForAnyRandomNumber) {
  for (const double random : {-1.0, 0.0, 0.25, 0.999999, 1.0, 7.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto chosen = take_window(std::nullopt, window(10h, 20h), {}, begin, random).chosen;
    EXPECT_GE(chosen, begin + 10h) << random;
    EXPECT_LT(chosen, begin + 20h) << random;
  }
  EXPECT_EQ(take_window(std::nullopt, window(10h, 20h), {}, begin, 0.5).chosen, begin + 15h);
}

TEST(TakeWindow, KeepsTheChosenTimeWhileTheWindowStandsAndChoosesAnewWhenItMoves) {
  const KnownWindow first = take_window(std::nullopt, window(10h, 20h), {}, begin, 0.5);
  RenewalInfo same = window(10h, 20h);
  same.explanation_url = "https://ca.test/why";
  const KnownWindow again = take_window(first, same, {}, begin + 6h, 0.9);
  EXPECT_EQ(again.chosen, first.chosen);
  EXPECT_EQ(again.poll_again, begin + 12h);
  EXPECT_EQ(again.info.explanation_url, "https://ca.test/why");
  EXPECT_EQ(take_window(first, window(-20h, -10h), {}, begin + 6h, 0.5).chosen, begin - 15h);
  EXPECT_EQ(take_window(first, window(10h, 40h), {}, begin + 6h, 0.5).chosen, begin + 25h);
}

struct Case {
  const char* what;
  std::chrono::seconds lifetime;
  std::optional<std::chrono::seconds> window_at;  // after the begin
  std::optional<std::chrono::seconds> renew_before;
  double random;
  std::chrono::seconds expected;  // after the begin
  Reason reason;
};

TEST(PlanRenewal, IsRightForEveryLifetimeWindowAndConfiguration) {
  const Case cases[]{
      {"no lifetime", 0s, {}, {}, 0.0, 0s, Reason::expired},
      {"a lifetime that ends before it begins", -1h, {}, {}, 0.0, -1h, Reason::expired},
      {"one second", 1s, {}, {}, 0.0, 0s, Reason::half_lifetime},
      {"6 days", days(6), {}, {}, 0.0, days(3), Reason::half_lifetime},
      {"6 days, jitter", days(6), {}, {}, 0.5, days(3) - days(6) / 40, Reason::half_lifetime},
      {"10 days", days(10), {}, {}, 0.0, days(10) * 2 / 3, Reason::remaining_lifetime},
      {"45 days", days(45), {}, {}, 0.0, days(30), Reason::remaining_lifetime},
      {"90 days", days(90), {}, {}, 0.0, days(60), Reason::remaining_lifetime},
      {"90 days, jitter", days(90), {}, {}, 0.5, days(60) - days(90) / 40, Reason::remaining_lifetime},
      {"398 days", days(398), {}, {}, 0.0, days(398) - days(398) / 3, Reason::remaining_lifetime},
      {"five years", days(1825), {}, {}, 0.0, days(1825) - days(1825) / 3, Reason::remaining_lifetime},
      {"configured", days(90), {}, days(20), 0.0, days(70), Reason::configured},
      {"configured, jitter", days(90), {}, days(20), 0.5, days(70) - days(90) / 40, Reason::configured},
      {"configured for longer than it lives", days(6), {}, days(30), 0.0, days(3), Reason::half_lifetime},
      {"configured so that it is due at once", days(90), {}, days(89), 0.0, days(60), Reason::remaining_lifetime},
      {"configured too near to the end", days(90), {}, 1h, 0.0, days(81), Reason::near_end},
      {"window", days(90), days(55), {}, 0.5, days(55), Reason::renewal_window},
      {"window that is later than a third", days(90), days(75), {}, 0.5, days(75), Reason::renewal_window},
      {"window in the past", days(90), -days(1), {}, 0.5, -days(1), Reason::renewal_window},
      {"window too near to the end", days(90), days(89), {}, 0.5, days(81), Reason::near_end},
      {"window after the end", days(90), days(400), {}, 0.5, days(81), Reason::near_end},
      {"window before the configured time", days(90), days(1), days(20), 0.0, days(1), Reason::renewal_window},
      {"window after the configured time", days(90), days(80), days(20), 0.0, days(70), Reason::configured},
  };
  for (const Case& c : cases) {
    std::optional<KnownWindow> known;
    if (c.window_at) known = KnownWindow{{}, begin + *c.window_at, {}};
    const RenewalPlan plan = plan_renewal({begin, begin + c.lifetime}, known, c.renew_before, c.random);
    EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(plan.at - begin), c.expected) << c.what;
    EXPECT_EQ(plan.reason, c.reason) << c.what;
    EXPECT_FALSE(plan.to_string().empty());
  }
}

TEST(PlanRenewal, SpreadsAThousandCertificatesOfOneDayOverATwentiethOfTheLifetime) {
  base::SystemTime earliest = base::SystemTime::max();
  base::SystemTime latest = base::SystemTime::min();
  for (int i = 0; i < 1000; ++i) {
    const auto at = plan_renewal({begin, begin + days(90)}, std::nullopt, {}, i / 1000.0).at;
    earliest = std::min(earliest, at);
    latest = std::max(latest, at);
  }
  EXPECT_EQ(latest, begin + days(60));
  EXPECT_GT(earliest, begin + days(60) - days(90) / 20);
  EXPECT_LT(earliest, begin + days(56));
}

}  // namespace
}  // namespace acme
