#include "proxy/header_list.h"

#include <gtest/gtest.h>

namespace proxy {
namespace {

TEST(HeaderList, FindsNothingInAnEmptyList) {
  const HeaderList list;
  EXPECT_FALSE(list.find(http::field::host));
  EXPECT_FALSE(list.find("x-any"));
  EXPECT_FALSE(list.has_token(http::field::connection, "close"));
  EXPECT_EQ(list.joined(http::field::via), "");
}

TEST(HeaderList, LowersNamesAndKeepsValuesAndOrder) {
  HeaderList list;
  list.add("X-Some_Name", "Value ONE");
  list.add("Accept", "*/*");
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "x-some_name");
  EXPECT_EQ(list[0].value, "Value ONE");
  EXPECT_EQ(list[1].id, http::field::accept);
  EXPECT_EQ(list.find("ACCEPT"), "*/*");
}

TEST(HeaderList, SetReplacesAllOfThatNameAndNoOther) {
  HeaderList list;
  list.add("via", "a");
  list.add("x-b", "b");
  list.add("via", "c");
  list.set(http::field::via, "d");
  EXPECT_EQ(list.count(http::field::via), 1U);
  EXPECT_EQ(list.joined(http::field::via), "d");
  EXPECT_EQ(list.find("x-b"), "b");
}

TEST(HeaderList, RemovesManyInOnePass) {
  HeaderList list;
  for (int i = 0; i < 50; ++i) list.add(i % 2 == 0 ? "x-even" : "x-odd", std::to_string(i));
  list.remove_if([](const HeaderView& field) { return field.name == "x-even"; });
  EXPECT_EQ(list.size(), 25U);
  EXPECT_FALSE(list.find("x-even"));
  EXPECT_EQ(list[24].value, "49");
}

TEST(HeaderList, TokensAreWholeAndInAnyCase) {
  HeaderList list;
  list.add("Connection", "Keep-Alive ,\tUpgrade,");
  list.add("Connection", "x-y");
  EXPECT_TRUE(list.has_token(http::field::connection, "upgrade"));
  EXPECT_TRUE(list.has_token(http::field::connection, "X-Y"));
  EXPECT_FALSE(list.has_token(http::field::connection, "keep"));
  EXPECT_FALSE(list.has_token(http::field::connection, ""));
  EXPECT_EQ(list.joined(http::field::connection), "Keep-Alive ,\tUpgrade,, x-y");
}

TEST(HeaderList, PartsMayBeViewsIntoTheListThatGrows) {
  HeaderList list;
  list.add("x-chain", "first");
  for (int i = 0; i < 64; ++i) {
    const std::string_view before = *list.find("x-chain");
    list.remove("x-chain");
    list.add_parts(http::field::unknown, "x-chain", {before, ",", before.substr(0, 5)});
  }
  const std::string_view chain = *list.find("x-chain");
  EXPECT_EQ(chain.size(), 5 + 64 * 6U);
  EXPECT_TRUE(chain.starts_with("first,first,first"));
  EXPECT_TRUE(chain.ends_with(",first"));
}

}  // namespace
}  // namespace proxy
