#include "app/process_limits.h"

#include <gtest/gtest.h>

namespace app {
namespace {

TEST(ProcessLimits, ReadsGarbageAsNoLimit) {
  for (const char* line : {"", "max 100000", "100000", "100000 ", "100000 0", "-1 100000", "x y"}) {
    EXPECT_EQ(cpus_of_cpu_max(line), std::nullopt) << line;
  }
}

TEST(ProcessLimits, RoundsPartsOfACpuUp) {
  EXPECT_EQ(cpus_of_cpu_max("1000 100000"), 1U);
  EXPECT_EQ(cpus_of_cpu_max("100000 100000"), 1U);
  EXPECT_EQ(cpus_of_cpu_max("150000 100000"), 2U);
  EXPECT_EQ(cpus_of_cpu_max("18446744073709551615 100000"), 1024U) << "no overflow";
}

TEST(ProcessLimits, AllowAtLeastOneCpu) {
  EXPECT_GE(allowed_cpus(), 1U);
}

}  // namespace
}  // namespace app
