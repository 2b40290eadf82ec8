#include "base/base64.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Base64, RefusesWhatHasNoOneMeaning) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm 9"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9vY", "Zm+v", "Zm/v", "Zm9v\n"}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

// RFC 4648 §10
TEST(Base64, IsThatOfTheRfc) {
  const std::string text = "foobar";
  const char* const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t size = 0; size <= text.size(); ++size) {
    EXPECT_EQ(to_base64(text.substr(0, size)), expected[size]);
    EXPECT_EQ(from_base64(expected[size]), text.substr(0, size));
  }
}

TEST(Base64, UsesLettersThatAUrlTakes) {
  const std::string bytes("\xfb\xff\xfe\x00", 4);
  EXPECT_EQ(to_base64(bytes), "+//+AA==");
  EXPECT_EQ(to_base64url(bytes), "-__-AA");
  EXPECT_EQ(from_base64url("-__-AA"), bytes);
}

}  // namespace
}  // namespace base
