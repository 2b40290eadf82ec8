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

TEST(Ascii, LowersTextsOfAnyLength) {
  std::string mixed = "Ab-CdEfGhIjKlMnOpQrStUvWxYz[@`{";
  std::string expected = "ab-cdefghijklmnopqrstuvwxyz[@`{";
  for (std::size_t size = 0; size <= mixed.size(); ++size) {
    EXPECT_EQ(lower_case(mixed.substr(0, size)), expected.substr(0, size));
    std::string appended = "KEEP ";
    append_lower(appended, mixed.substr(0, size));
    EXPECT_EQ(appended, "KEEP " + expected.substr(0, size));
  }
}

}  // namespace
}  // namespace base
