#include "azure/json_text.h"

#include <string>

#include <gtest/gtest.h>

namespace azure {
namespace {

JsonText parsed(std::string text) {
  auto json = JsonText::parse(std::move(text));
  EXPECT_TRUE(json) << json.error().what;
  return *std::move(json);
}

TEST(JsonText, RefusesWhatIsNoJson) {
  for (const char* text : {"", "   ", "{", "[1,]", "{\"a\":1}}", "{\"a\":\"\n\"}", "nul", "{'a':1}"}) {
    const auto json = JsonText::parse(text);
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code, base::Code::protocol);
  }
}

TEST(JsonText, MakesNoTextOfTwoChangesOfOnePart) {
  const JsonText json = parsed(R"({"a":1})");
  EXPECT_FALSE(json.edited({{{5, 6}, "2"}, {{5, 6}, "3"}}));
  EXPECT_FALSE(json.edited({{{5, 99}, "2"}}));
  EXPECT_FALSE(json.edited({{{6, 5}, "2"}}));
  EXPECT_EQ(json.edited({{{5, 6}, "2"}, {{6, 6}, "3"}}).value_or(""), R"({"a":23})");
}

TEST(JsonText, RefusesWhatIsNestedTooDeep) {
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_FALSE(JsonText::parse(deep));
  EXPECT_TRUE(JsonText::parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_TRUE(JsonText::parse("\"" + std::string(100, '[') + "\"")) << "brackets in a string";
}

TEST(JsonText, FindsMembersWhereverTheyStand) {
  const auto json = parsed(R"( {"a":1.50,"b" : {"c":[ ] } , "d":"x}\"]" ,"\u0065":true} )");
  EXPECT_EQ(json.at(*json.member(json.whole(), "a")), "1.50");
  EXPECT_EQ(json.at(*json.member(json.whole(), "d")), R"("x}\"]")");
  EXPECT_EQ(json.at(*json.member(json.whole(), "e")), "true") << "a name that is written with an escape";
  const auto b = json.member(json.whole(), "b");
  ASSERT_TRUE(b);
  EXPECT_EQ(json.at(*json.member(*b, "c")), "[ ]");
  EXPECT_FALSE(json.member(json.whole(), "c"));
  EXPECT_FALSE(json.member(*json.member(json.whole(), "a"), "a")) << "no object";
}

TEST(JsonText, TakesTheLastOfTwoMembersWithOneName) {
  const auto json = parsed(R"({"a":1,"a":2})");
  EXPECT_EQ(json.at(*json.member(json.whole(), "a")), "2");
}

TEST(JsonText, FindsElements) {
  const auto json = parsed(R"([ {"a":[1,2]}, "x,]" ,3e+05,[],null])");
  const auto elements = json.elements(json.whole());
  ASSERT_EQ(elements.size(), 5U);
  EXPECT_EQ(json.at(elements[0]), R"({"a":[1,2]})");
  EXPECT_EQ(json.at(elements[1]), R"("x,]")");
  EXPECT_EQ(json.at(elements[2]), "3e+05");
  EXPECT_EQ(json.at(elements[4]), "null");
  EXPECT_TRUE(json.elements(elements[1]).empty());
}

TEST(JsonText, KeepsEveryOtherByte) {
  const auto json = parsed("{ \"n\" : 1.0e+2,\n\t\"list\":[1, 2 ,3], \"big\":123456789012345678901234567890}\n");
  const Span list = *json.member(json.whole(), "list");
  EXPECT_EQ(json.edited(json.changed_elements(list, {.replaced = {{1, "\"two\""}}})).value_or(""),
            "{ \"n\" : 1.0e+2,\n\t\"list\":[1, \"two\" ,3], \"big\":123456789012345678901234567890}\n");
  EXPECT_EQ(std::string_view(json.edited({}).value_or("")), json.text());
}

TEST(JsonText, AddsAMember) {
  EXPECT_EQ(parsed("{}").edited({parsed("{}").added_member({0, 2}, "a", "1")}).value_or(""), "{\"a\":1}");
  const auto json = parsed("{\"b\":[] }");
  EXPECT_EQ(json.edited({json.added_member(json.whole(), "a", "1")}).value_or(""), "{\"b\":[] ,\"a\":1}");
}

struct ArrayCase {
  const char* before;
  ElementChanges changes;
  const char* after;
};

TEST(JsonText, ChangesElements) {
  const std::vector<ArrayCase> cases{
      {"[]", {.added = {"1", "2"}}, "[1,2]"},
      {"[ ]", {.added = {"1"}}, "[ 1]"},
      {"[1]", {.removed = {0}}, "[]"},
      {"[1, 2]", {.removed = {0, 1}}, "[]"},
      {"[1, 2]", {.removed = {0, 1}, .added = {"3"}}, "[3]"},
      {"[1, 2, 3]", {.removed = {0}}, "[2, 3]"},
      {"[1, 2, 3]", {.removed = {1}}, "[1, 3]"},
      {"[1, 2, 3]", {.removed = {2}}, "[1, 2]"},
      {"[1, 2, 3]", {.removed = {1, 2}, .added = {"4"}}, "[1,4]"},
      {"[1, 2, 3, 4]", {.removed = {0, 2}}, "[2, 4]"},
      {"[1, 2]", {.replaced = {{0, "9"}}, .removed = {1}, .added = {"5"}}, "[9,5]"},
  };
  for (const ArrayCase& c : cases) {
    const auto json = parsed(c.before);
    EXPECT_EQ(json.edited(json.changed_elements(json.whole(), c.changes)).value_or(""), c.after) << c.before;
  }
}

}  // namespace
}  // namespace azure
