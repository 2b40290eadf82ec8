#include "base/keep_running.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace base {
namespace {

TEST(KeepRunning, BeginsAgainAfterAnExceptionAndCountsIt) {
  const auto before = escaped_exceptions();
  int rounds = 0;
  keep_running("test", {}, [&] {
    if (++rounds == 1) throw std::runtime_error("out of order");
  });
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(escaped_exceptions(), before + 1);
}

TEST(KeepRunning, DoesNotBeginAgainWhenItIsToStop) {
  std::stop_source stop;
  int rounds = 0;
  keep_running("test", stop.get_token(), [&] {
    ++rounds;
    stop.request_stop();
    throw 1;
  });
  EXPECT_EQ(rounds, 1);
}

TEST(Attempt, SaysWhetherItWasDoneToItsEnd) {
  const auto before = escaped_exceptions();
  EXPECT_TRUE(attempt("test", [] {}));
  EXPECT_FALSE(attempt("test", [] { throw std::bad_alloc(); }));
  EXPECT_FALSE(attempt("test", [] { throw "a text"; }));
  EXPECT_EQ(escaped_exceptions(), before + 2);
}

TEST(Attempted, GivesWhatTheWorkGivesOrAnErrorInItsPlace) {
  EXPECT_EQ(attempted("test", [] { return Result<int>(7); }), 7);
  const auto refused = attempted("test", []() -> Result<int> { return fail(Code::invalid, "refused"); });
  EXPECT_EQ(refused.error().code, Code::invalid);
  const auto escaped = attempted("test", []() -> Result<int> { throw std::bad_alloc(); });
  EXPECT_EQ(escaped.error().code, Code::internal);
}

}  // namespace
}  // namespace base
