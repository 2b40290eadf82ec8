#include "base/timestamps.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

constexpr SystemTime now = sys_days(year(2026) / 3 / 1);

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+24:00",
        "2026-1-01T00:00:00Z", "2026-01-01X00:00:00Z", "+026-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
  const SystemTime noon = sys_days(year(2026) / 1 / 2) + 12h;
  EXPECT_EQ(parse_rfc3339("2026-01-02T12:00:00Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-01-02t12:00:00.5z"), noon + 500ms);
  EXPECT_EQ(parse_rfc3339("2026-01-02T12:00:00.1234567891Z"), noon + 123'456'789ns);
  EXPECT_EQ(parse_rfc3339("2026-01-02T14:30:00+02:30"), noon);
  EXPECT_EQ(parse_rfc3339("2026-01-01T23:00:00-13:00"), noon);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), sys_days(year(2016) / 12 / 31) + 24h - 1s);
}

TEST(Rfc3339, CutsYearsThatDoNotFit) {
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59Z"), sys_days(year(2261) / 12 / 31));
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), sys_days(year(1700) / 1 / 1));
}

TEST(Rfc3339, IsReadAsItWasWritten) {
  const SystemTime time = sys_days(year(2026) / 11 / 9) + 3h + 4min + 5s + 999ms;
  EXPECT_EQ(to_rfc3339(time), "2026-11-09T03:04:05Z");
  EXPECT_EQ(parse_rfc3339(to_rfc3339(time)), time - 999ms);
}

TEST(HttpDate, RefusesWhatIsNoDate) {
  for (const char* text :
       {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994"}) {
    EXPECT_FALSE(parse_http_date(text, now)) << text;
  }
}

// RFC 9110 §5.6.7
TEST(HttpDate, ReadsAllThreeForms) {
  const SystemTime expected = sys_days(year(1994) / 11 / 6) + 8h + 49min + 37s;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", now), expected);
  EXPECT_EQ(parse_http_date("Monday, 06-Nov-28 08:49:37 GMT", now), sys_days(year(2028) / 11 / 6) + 8h + 49min + 37s);
}

}  // namespace
}  // namespace base
