#include "config/quantities.h"

#include <gtest/gtest.h>

namespace config {
namespace {

TEST(Quantities, RefuseDurationsWithoutAUnitOrWithAWrongOne) {
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", "1.5s", "5sec", "5M", "5s ", " 5s",
                           "99999999999999999999s", "3651d", "1h30m", "0x5s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Quantities, ReadDurations) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("30s"), seconds(30));
  EXPECT_EQ(parse_duration("2m"), seconds(120));
  EXPECT_EQ(parse_duration("12h"), std::chrono::hours(12));
  EXPECT_EQ(parse_duration("3650d"), longest_duration);
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
}

TEST(Quantities, RefuseSizesThatAreNone) {
  for (const char* text : {"", "KiB", "5KB", "5kib", "5K", "-1", "1.5MiB", "5  KiB", "5 ", "9007199254740993",
                           "99999999999999999999", "8388609GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Quantities, ReadSizes) {
  EXPECT_EQ(parse_size("0"), Bytes{0});
  EXPECT_EQ(parse_size("4096"), Bytes{4096});
  EXPECT_EQ(parse_size("64KiB"), Bytes{65536});
  EXPECT_EQ(parse_size("10 MiB"), Bytes{10U << 20U});
  EXPECT_EQ(parse_size("8388608GiB"), largest_size);
}

TEST(Quantities, AreWrittenAsTheyAreRead) {
  for (const char* text : {"250ms", "90s", "2m", "12h", "7d", "0"}) EXPECT_EQ(to_string(*parse_duration(text)), text);
  for (const char* text : {"1000", "3KiB", "10MiB", "2GiB", "0"}) EXPECT_EQ(to_string(*parse_size(text)), text);
}

}  // namespace
}  // namespace config
