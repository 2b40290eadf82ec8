#include "app/errands.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace app {
namespace {

using Json = Errands::Json;

// The answers come from another thread; nothing else says when.
Json answer_of(const Errands& errands, std::uint64_t number) {
  for (;;) {
    const auto known = errands.ask(number);
    if (!known) return "not known";
    if ((*known)["done"].get<bool>()) return *known;
    std::this_thread::yield();
  }
}

TEST(Errands, RefuseTheNinthThatWaits) {
  std::promise<void> begun, gate;
  Errands errands;
  ASSERT_TRUE(errands.begin([&](std::stop_token) -> base::Result<Json> {
    begun.set_value();
    gate.get_future().wait();
    return Json("first");
  }));
  begun.get_future().wait();
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(errands.begin([](std::stop_token) -> base::Result<Json> { return Json(); })) << i;
  EXPECT_FALSE(errands.begin([](std::stop_token) -> base::Result<Json> { return Json(); }));
  EXPECT_EQ(*errands.ask(1), Json({{"done", false}}));
  gate.set_value();
  EXPECT_EQ(answer_of(errands, 9)["done"], true);
}

TEST(Errands, HandOverTheErrorsWords) {
  Errands errands;
  const auto number =
      errands.begin([](std::stop_token) -> base::Result<Json> { return base::fail(base::Code::refused, "no"); });
  ASSERT_TRUE(number);
  EXPECT_EQ(answer_of(errands, *number)["error"], "no");
}

TEST(Errands, GoOnAfterOneThatThrows) {
  Errands errands;
  const auto bad = errands.begin([](std::stop_token) -> base::Result<Json> { throw std::runtime_error("secret"); });
  const auto good = errands.begin([](std::stop_token) -> base::Result<Json> { return Json("done"); });
  ASSERT_TRUE(bad && good);
  EXPECT_EQ(answer_of(errands, *bad)["error"], "an error of sekisho's own, see its log");
  EXPECT_EQ(answer_of(errands, *good)["answer"], "done");
}

TEST(Errands, KnowNothingOfOthersAndForgetTheOldest) {
  Errands errands;
  EXPECT_FALSE(errands.ask(0));
  EXPECT_FALSE(errands.ask(1));
  for (std::uint64_t i = 1; i <= 70; ++i) {
    const auto number = errands.begin([i](std::stop_token) -> base::Result<Json> { return Json(i); });
    ASSERT_EQ(number, i);
    EXPECT_EQ(answer_of(errands, i)["answer"], i);
  }
  EXPECT_FALSE(errands.ask(1));
  EXPECT_TRUE(errands.ask(70));
}

}  // namespace
}  // namespace app
