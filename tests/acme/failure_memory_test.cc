#include "acme/failure_memory.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace acme {
namespace {

using namespace std::chrono_literals;

class FailureMemoryTest : public testing::Test {
 protected:
  [[nodiscard]] static Failure ours() { return {{base::Code::unreachable, "connection refused"}, {}, {}}; }
  [[nodiscard]] static Failure by(ProblemType type) {
    Problem problem;
    problem.type = type;
    return {{base::Code::refused, "the CA says no"}, problem, {}};
  }
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  FailureMemory memory_;
};

TEST_F(FailureMemoryTest, WaitsOneTenAndAHundredMinutesThenDaysForEver) {
  for (const std::chrono::minutes delay : {1min, 10min, 100min, 1440min, 1440min, 1440min}) {
    memory_.record(ours(), clock_.now(), 0.0);
    EXPECT_EQ(memory_.next_try() - clock_.now(), delay) << memory_.count();
    EXPECT_EQ(memory_.last(), clock_.now());
    clock_.advance(delay);
  }
  EXPECT_EQ(memory_.count(), 6U);
}

TEST_F(FailureMemoryTest, KeepsWordsThatAreNoTextOrTooLongInAFormThatCanBeStored) {
  for (const std::string& words : {"x" + std::string(4095, '\xc3'), std::string("Acc\xe8s refus\xe9"), [] {
                                     std::string text = "x";
                                     for (int i = 0; i < 3000; ++i) text += "\xc3\xa9";
                                     return text;
                                   }()}) {
    memory_.record({{base::Code::refused, words}, {}, {}}, clock_.now(), 0.0);
    EXPECT_NO_THROW(EXPECT_LE(memory_.to_json().dump().size(), 5000U));
  }
}

TEST_F(FailureMemoryTest, SpreadsTriesByUpToATenth) {
  memory_.record(ours(), clock_.now(), 0.5);
  EXPECT_EQ(memory_.next_try() - clock_.now(), 63s);
  memory_.record(ours(), clock_.now(), 0.999);
  EXPECT_GT(memory_.next_try() - clock_.now(), 10min);
  EXPECT_LE(memory_.next_try() - clock_.now(), 11min);
}

TEST_F(FailureMemoryTest, TriesDailyWhatCannotMendItself) {
  memory_.record(by(ProblemType::caa), clock_.now(), 0.0);
  EXPECT_FALSE(memory_.mends_itself());
  EXPECT_EQ(memory_.next_try() - clock_.now(), 24h);
  EXPECT_EQ(memory_.problem_type(), "caa");
}

TEST_F(FailureMemoryTest, ObeysTheServersTimeWhenItIsLaterButNotForEver) {
  const struct {
    std::chrono::seconds not_before, expected;
  } cases[]{{5s, 1min}, {-24h, 1min}, {3h, 3h}, {24h * 7, 24h * 7}, {24h * 3650, 24h * 14}};
  for (const auto& [not_before, expected] : cases) {
    FailureMemory memory;
    Failure failure = by(ProblemType::rate_limited);
    failure.not_before = clock_.now() + not_before;
    memory.record(failure, clock_.now(), 0.0);
    EXPECT_EQ(memory.next_try() - clock_.now(), expected);
  }
}

TEST_F(FailureMemoryTest, IsNoMemoryIfItCannotBeRead) {
  memory_.record(ours(), clock_.now(), 0.0);
  const nlohmann::json good = memory_.to_json();
  EXPECT_TRUE(FailureMemory::from(nullptr).empty());
  EXPECT_TRUE(FailureMemory::from(nlohmann::json::array({1, 2})).empty());
  const std::pair<const char*, nlohmann::json> damages[]{{"count", -1},
                                                         {"count", 0},
                                                         {"count", "3"},
                                                         {"count", 1e300},
                                                         {"last", "now"},
                                                         {"last", -5},
                                                         {"next_try", 99999999999999},
                                                         {"next_try", nullptr}};
  for (const auto& [key, value] : damages) {
    nlohmann::json bad = good;
    bad[key] = value;
    EXPECT_TRUE(FailureMemory::from(bad).empty()) << bad;
  }
}

TEST_F(FailureMemoryTest, ForgetsNothingAcrossARestart) {
  for (int i = 0; i < 3; ++i) memory_.record(by(ProblemType::rate_limited), clock_.now() + 300ms, 0.3);
  const FailureMemory again = FailureMemory::from(nlohmann::json::parse(memory_.to_json().dump()));
  EXPECT_EQ(again.count(), 3U);
  EXPECT_GE(again.next_try(), memory_.next_try());
  EXPECT_LT(again.next_try(), memory_.next_try() + 1s);
  EXPECT_EQ(again.text(), "the CA says no");
  EXPECT_EQ(again.problem_type(), "rateLimited");
  EXPECT_EQ(again.mends_itself(), memory_.mends_itself());
}

TEST_F(FailureMemoryTest, BeginsAnewAfterASuccess) {
  memory_.record(ours(), clock_.now(), 0.0);
  memory_.record(ours(), clock_.now(), 0.0);
  memory_.clear();
  EXPECT_TRUE(memory_.empty());
  EXPECT_EQ(memory_.text(), "");
  memory_.record(ours(), clock_.now(), 0.0);
  EXPECT_EQ(memory_.next_try() - clock_.now(), 1min);
}

}  // namespace
}  // namespace acme
