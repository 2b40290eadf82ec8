#include "config/faults.h"

#include <gtest/gtest.h>

namespace config {
namespace {

TEST(Faults, AreTakenInTheOrderOfTheText) {
  Faults faults("f");
  faults.add({2, 1}, "b", "x");
  faults.add({1, 9}, "a", "x");
  faults.add({}, "file", "x");
  const Diagnostics taken = faults.take();
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_EQ(taken[0].to_string(), "f: found file, expected x");
  EXPECT_EQ(taken[1].to_string(), "f:1:9: found a, expected x");
  EXPECT_TRUE(faults.empty());
}

TEST(Faults, QuoteNeitherControlCharactersNorWithoutEnd) {
  EXPECT_EQ(quote("a\nb\x1b"), "`a\\x0ab\\x1b`");
  EXPECT_EQ(quote(std::string(100, 'x')), "`" + std::string(80, 'x') + "...`");
  EXPECT_EQ(quote(std::string(79, 'x') + "üü"), "`" + std::string(79, 'x') + "...`");
}

TEST(Faults, SuggestOnlyWhatIsNear) {
  EXPECT_EQ(nearest("tsl", {"address", "tls"}), "tls");
  EXPECT_EQ(nearest("adress", {"address", "tls"}), "address");
  EXPECT_EQ(nearest("certificate", {"certificates", "issuers"}), "certificates");
  EXPECT_EQ(nearest("wholly-else", {"address", "tls"}), "");
  EXPECT_EQ(nearest("", {"address"}), "");
  EXPECT_EQ(nearest("x", {"a"}), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), {"address"}), "");
}

}  // namespace
}  // namespace config
