#include "config/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace config {
namespace {

TEST(Utf8, FindsWhatIsNoText) {
  EXPECT_EQ(first_not_text("ab\x01"), 2U);
  EXPECT_EQ(first_not_text(std::string("a\0", 2)), 1U);
  EXPECT_EQ(first_not_text("\x7f"), 0U);
  EXPECT_EQ(first_not_text("a\x80"), 1U);             // a tail without a head
  EXPECT_EQ(first_not_text("a\xc3"), 1U);             // cut off
  EXPECT_EQ(first_not_text("\xc0\xaf"), 0U);          // overlong
  EXPECT_EQ(first_not_text("\xe0\x80\xaf"), 0U);      // overlong
  EXPECT_EQ(first_not_text("\xed\xa0\x80"), 0U);      // a surrogate
  EXPECT_EQ(first_not_text("\xf4\x90\x80\x80"), 0U);  // above U+10FFFF
  EXPECT_EQ(first_not_text("\xe2\x82x"), 0U);
}

TEST(Utf8, TakesText) {
  EXPECT_EQ(first_not_text(""), std::nullopt);
  EXPECT_EQ(first_not_text("a\tb\r\n"), std::nullopt);
  EXPECT_EQ(first_not_text("ü € 𐍈 \xf4\x8f\xbf\xbf"), std::nullopt);
}

}  // namespace
}  // namespace config
