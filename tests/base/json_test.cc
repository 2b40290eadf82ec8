#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

#include <nlohmann/json.hpp>

namespace base {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(ParseJson, RefusesWhatWouldOverflowTheStackOnceItIsCopied) {
  EXPECT_TRUE(parse_json(nested(deepest_json + 1)).is_discarded());
  EXPECT_TRUE(parse_json(nested(1'500'000)).is_discarded());
  EXPECT_TRUE(parse_ordered_json(nested(1'500'000)).is_discarded());
  EXPECT_TRUE(parse_json(R"({"a":[[[[)").is_discarded());
  EXPECT_TRUE(parse_json("<html>").is_discarded());
}

TEST(ParseJson, TakesWhatIsAsDeepAsAllowedAndDoesNotCountBracketsInTexts) {
  EXPECT_TRUE(parse_json(nested(deepest_json)).is_array());
  EXPECT_EQ(parse_json('"' + std::string(1000, '[') + R"(\"[")"), std::string(1000, '[') + "\"[");
}

TEST(ParseJsonToDepth, LeavesOutWhatIsDeeperAndKeepsAllElse) {
  const auto json = parse_json_to_depth(R"({"items":[{"name":"theirs","x":)" + nested(1'500'000) +
                                        R"(},{"name":"ours","y":[1,2]}]})");
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["items"][0]["name"], "theirs");
  EXPECT_EQ(json["items"][1], nlohmann::json({{"name", "ours"}, {"y", {1, 2}}}));
  const nlohmann::json copy = json;
  EXPECT_LE(depth_of_json(json_line(copy)), deepest_json);
  EXPECT_TRUE(parse_json_to_depth("[[").is_discarded());
  EXPECT_TRUE(parse_json_to_depth(std::string(deepest_json + 1, '[')).is_discarded());
}

TEST(ParseJsonToDepth, PutsNullWhereSomethingWasWhateverStandsInIt) {
  const std::string before = std::string(deepest_json - 1, '[') + R"({"deep":)";
  const std::string after = R"(,"kept":"]"})" + std::string(deepest_json - 1, ']');
  const auto cut = parse_json(before + "null" + after);
  ASSERT_FALSE(cut.is_discarded());
  for (const std::string deep : {R"([1,[2]])", R"({"a":{"b":"}\""}})", R"(["[[[","\"]"])", "[]", "{}"}) {
    EXPECT_EQ(parse_json_to_depth(before + deep + after), cut) << deep;
  }
}

TEST(ParseJsonToDepth, TakesAsLongAsTheTextIsAndNotItsSquare) {
  // Squared, this would be minutes; without sanitizers it is a tenth of a second.
  std::string text = "[" + nested(deepest_json + 1);
  for (int i = 0; i < 400'000; ++i) text += ",{}";
  EXPECT_EQ(parse_json_to_depth(text + "]").size(), 400'001U);
}

TEST(JsonLine, NeverThrowsAtBytesThatAreNoText) {
  EXPECT_EQ(json_line(nlohmann::json{{"said", "Acc\xe8s"}}), "{\"said\":\"Acc\xef\xbf\xbds\"}");
  EXPECT_EQ(json_line(nlohmann::ordered_json{{"said", "cut\xc3"}}), "{\"said\":\"cut\xef\xbf\xbd\"}");
  EXPECT_EQ(json_lines(nlohmann::json{{"a", 1}}), "{\n  \"a\": 1\n}");
}

TEST(Utf8Text, IsCutBetweenCharacters) {
  EXPECT_EQ(utf8_text("x\xc3\xa9\xc3\xa9", 4), "x\xc3\xa9");
  EXPECT_EQ(utf8_text("x\xc3\xa9\xc3\xa9", 5), "x\xc3\xa9\xc3\xa9");
  EXPECT_EQ(utf8_text("\xf0\x9f\x98\x80", 3), "");
}

TEST(Utf8Text, HasNoByteThatIsNoText) {
  const std::string mark = "\xef\xbf\xbd";
  // Latin-1, a character that is cut off, one that is longer than it need be, a surrogate, and what lies too high.
  for (const std::string bad : {"\xe8", "\xc3", "\xc0", "\xed", "\xf5", "\x80"}) {
    EXPECT_EQ(utf8_text("a" + bad + "b", 100), "a" + mark + "b");
  }
  EXPECT_EQ(utf8_text("\xed\xa0\x80", 100), mark + mark + mark);
  EXPECT_EQ(utf8_text("\xe0\x80\xaf", 100), mark + mark + mark);
  for (const std::string good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(utf8_text(good, 100), good);
  }
}

}  // namespace
}  // namespace base
