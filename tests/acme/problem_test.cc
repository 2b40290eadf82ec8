#include "acme/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace acme {
namespace {

nlohmann::json problem(const std::string& type) {
  return {{"type", "urn:ietf:params:acme:error:" + type}, {"detail", "why"}};
}

TEST(Problem, MakesTheBestOfWhatIsNone) {
  for (const char* text : {"null", "[]", "1", "{}", R"({"type":1,"detail":[],"status":"x","subproblems":{}})"}) {
    const Problem read = problem_from(nlohmann::json::parse(text));
    EXPECT_EQ(read.type, ProblemType::other) << text;
    EXPECT_EQ(read.to_string(), "other") << text;
  }
}

TEST(Problem, ShowsNothingThatATerminalWouldObey) {
  const Problem read = problem_from({{"type", "x\n"}, {"detail", std::string("a\x1b[31m\xc2\x9b") + "b\xc3\xa4"}});
  EXPECT_EQ(read.to_string(), "x?: a?[31m?b\xc3\xa4");
}

TEST(Problem, CutsALongStoryBetweenCharacters) {
  std::string detail(999, 'x');
  detail += "\xc3\xa4";
  EXPECT_EQ(problem_from({{"detail", detail}}).detail, std::string(999, 'x'));
}

TEST(Problem, BoundsItsSubproblems) {
  auto json = problem("compound");
  for (int i = 0; i < 200; ++i) json["subproblems"].push_back(problem("dns"));
  json["subproblems"][0]["subproblems"].push_back(problem("caa"));
  const Problem read = problem_from(json);
  EXPECT_EQ(read.subproblems.size(), 100U);
  EXPECT_TRUE(read.subproblems[0].subproblems.empty());
}

TEST(Problem, DoesNotMendItselfIfOneNameIsRejected) {
  for (const char* type : {"caa", "rejectedIdentifier", "unauthorized", "badCSR", "userActionRequired"}) {
    EXPECT_FALSE(problem_from(problem(type)).mends_itself()) << type;
  }
  for (const char* type : {"rateLimited", "serverInternal", "connection", "dns", "badNonce", "unheardOf"}) {
    EXPECT_TRUE(problem_from(problem(type)).mends_itself()) << type;
  }
  auto json = problem("compound");
  json["subproblems"] = {problem("dns"), problem("rejectedIdentifier")};
  EXPECT_FALSE(problem_from(json).mends_itself());
}

TEST(Problem, NamesTypesFromAFixedListOnly) {
  EXPECT_EQ(to_string(problem_from(problem("alreadyReplaced")).type), "alreadyReplaced");
  EXPECT_EQ(to_string(problem_from(problem("unheardOf")).type), "other");
  EXPECT_EQ(problem_from(problem("unheardOf")).to_string(), "urn:ietf:params:acme:error:unheardOf: why");
}

TEST(Problem, SurvivesStorage) {
  auto json = problem("compound");
  json["status"] = 403;
  json["instance"] = "https://ca.example/terms";
  json["subproblems"] = nlohmann::json::array({problem("caa")});  // in plain braces compilers disagree
  json["subproblems"][0]["identifier"] = {{"type", "dns"}, {"value", "A.example"}};
  const Problem read = problem_from(json);
  EXPECT_EQ(read.to_string(), "compound: why; caa: a.example: why");
  const Problem again = problem_from(to_json(read));
  EXPECT_EQ(to_json(again), to_json(read));
  EXPECT_EQ(again.status, 403U);
  EXPECT_EQ(again.subproblems.at(0).identifier, read.subproblems.at(0).identifier);
}

}  // namespace
}  // namespace acme
