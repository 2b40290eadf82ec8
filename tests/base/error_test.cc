#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace base {
namespace {

TEST(Error, GathersContextAsItRises) {
  Error error{Code::refused, "badCSR", Origin::upstream, Retry::later};
  const Error risen = std::move(error).in("finalize");
  const Error higher = Error(risen).in("order example.com");
  EXPECT_EQ(higher.what, "order example.com: finalize: badCSR");
  EXPECT_EQ(higher.code, Code::refused);
  EXPECT_EQ(higher.origin, Origin::upstream);
  EXPECT_EQ(higher.retry, Retry::later);
}

TEST(Error, FromErrnoTellsWhatIsMissingFromWhatIsBroken) {
  const Result<void> missing = fail_errno("a", ENOENT);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_EQ(missing.error().what, "a: No such file or directory");
  const Result<void> denied = fail_errno("a", EACCES);
  EXPECT_EQ(denied.error().code, Code::io);
}

TEST(Error, IsOursAndFinalUnlessSaidOtherwise) {
  const Result<int> result = fail(Code::timeout, "slow");
  EXPECT_EQ(result.error().origin, Origin::internal);
  EXPECT_EQ(result.error().retry, Retry::never);
}

TEST(Error, HasADifferentNameForEachCode) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::internal); ++code) names.insert(to_string(static_cast<Code>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::internal) + 1);
  EXPECT_TRUE(names.contains("too_large"));
  EXPECT_EQ(to_string(Origin::downstream), "downstream");
}

}  // namespace
}  // namespace base
