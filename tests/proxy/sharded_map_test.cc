#include "proxy/sharded_map.h"

#include <gtest/gtest.h>

#include <set>

namespace proxy {
namespace {

using Map = ShardedMap<std::shared_ptr<const int>>;

std::shared_ptr<const int> number(int value) {
  return std::make_shared<const int>(value);
}

std::set<std::string> differences(const Map& now, const Map& before) {
  std::set<std::string> keys;
  now.for_each_difference(before, [&](const std::string& key, const auto* old_value, const auto* new_value) {
    const char* what = old_value == nullptr ? "+" : new_value == nullptr ? "-" : "=";
    EXPECT_TRUE(keys.insert(what + key).second) << key;
  });
  return keys;
}

TEST(ShardedMap, LeavesWhatItWasMadeFromAsItWas) {
  const Map empty;
  const Map one = empty.with({{"a", number(1)}});
  const Map none = one.with({{"a", std::nullopt}, {"b", std::nullopt}});
  EXPECT_FALSE(empty.contains("a"));
  EXPECT_EQ(**one.find("a"), 1);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(one.size(), 1U);
}

TEST(ShardedMap, TellsWhatDiffersAndNothingElse) {
  Map::Changes many;
  for (int i = 0; i < 2'000; ++i) many.emplace("key" + std::to_string(i), number(i));
  const Map before = Map().with(many);
  EXPECT_EQ(before.size(), 2'000U);
  EXPECT_EQ(before.sorted().front().first, "key0");
  EXPECT_TRUE(differences(before.with({{"key5", many["key5"]}}), before).empty());
  const Map after = before.with({{"key1", number(-1)}, {"key2", std::nullopt}, {"new", number(7)}});
  EXPECT_EQ(differences(after, before), (std::set<std::string>{"=key1", "-key2", "+new"}));
  EXPECT_EQ(differences(before, after), (std::set<std::string>{"=key1", "+key2", "-new"}));
  EXPECT_EQ(after.size(), 2'000U);
  EXPECT_EQ(differences(before, Map()).size(), 2'000U);
}

}  // namespace
}  // namespace proxy
