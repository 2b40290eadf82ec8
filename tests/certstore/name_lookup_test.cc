#include "certstore/name_lookup.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace certstore {
namespace {

const std::map<std::string, int, std::less<>> kept{{"www.example.com", 1}, {"*.example.com", 2}, {"localhost", 3}};

int found(std::string_view name) {
  const int* value = find_by_name(name, [](std::string_view key) noexcept {
    const auto entry = kept.find(key);
    return entry == kept.end() ? nullptr : &entry->second;
  });
  return value == nullptr ? 0 : *value;
}

TEST(NameLookup, FindsNothingForWhatIsNoNameOrTooLong) {
  for (const char* name : {"", ".", "..", "example.com", ".example.com", "a.b.example.com", "*", "com"}) {
    EXPECT_EQ(found(name), 0) << name;
  }
  EXPECT_EQ(found(std::string(243, 'a') + ".example.com"), 2);
  EXPECT_EQ(found(std::string(244, 'a') + ".example.com"), 0) << "256 bytes";
}

TEST(NameLookup, TakesTheExactNameBeforeTheWildcardInAnyCaseAndWithADotAtItsEnd) {
  EXPECT_EQ(found("www.example.com"), 1);
  EXPECT_EQ(found("WWW.Example.COM"), 1);
  EXPECT_EQ(found("www.example.com."), 1);
  EXPECT_EQ(found("shop.example.com"), 2);
  EXPECT_EQ(found("Shop.Example.com."), 2);
  EXPECT_EQ(found("localhost"), 3);
}

TEST(NameLookup, KnowsTheWildcardAboveAName) {
  EXPECT_EQ(wildcard_above("www.example.com"), "*.example.com");
  EXPECT_EQ(wildcard_above("localhost"), "");
  EXPECT_EQ(wildcard_above(".example.com"), "");
  EXPECT_EQ(wildcard_above(""), "");
}

}  // namespace
}  // namespace certstore
