#include "acme/refused_names.h"

#include <gtest/gtest.h>

namespace acme {
namespace {

using namespace std::chrono_literals;

const base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

TEST(RefusedNames, AreForgottenWhenTheirTimeIsUp) {
  RefusedNames names;
  EXPECT_FALSE(names.has("a.test", now));
  names.add("a.test", now + 10min);
  EXPECT_TRUE(names.has("a.test", now));
  EXPECT_FALSE(names.has("a.test", now + 10min));
  names.add("a.test", now + 20min);
  EXPECT_TRUE(names.has("a.test", now + 10min));
  EXPECT_EQ(names.size(), 1U);
}

TEST(RefusedNames, AreNeverMoreThanSoMany) {
  RefusedNames names(2);
  names.add("a.test", now + 3min);
  names.add("b.test", now + 1min);
  names.add("c.test", now + 2min);
  EXPECT_EQ(names.size(), 2U);
  EXPECT_FALSE(names.has("b.test", now)) << "it would have been forgotten first";
  EXPECT_TRUE(names.has("a.test", now));
  EXPECT_TRUE(names.has("c.test", now));
}

}  // namespace
}  // namespace acme
