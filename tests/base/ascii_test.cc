#include "base/ascii.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Ascii, LowersLettersAndNothingElse) {
  EXPECT_EQ(lower_case("AZaz09-_.@[`{"), "azaz09-_.@[`{");
  EXPECT_EQ(lower_case("B\xc3\x9c\xff"), "b\xc3\x9c\xff") << "bytes outside ASCII stay";
  std::string text = "WebSocket";
  make_lower(text);
  EXPECT_EQ(text, "websocket");
}

}  // namespace
}  // namespace base
