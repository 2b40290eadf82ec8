#include "acme/ledger.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace acme {
namespace {

using namespace std::chrono_literals;
using Kind = Ledger::Kind;

std::vector<Identifier> names(std::initializer_list<const char*> values) {
  std::vector<Identifier> all;
  for (const char* value : values) all.push_back({Identifier::Type::dns, value});
  return all;
}

class LedgerTest : public testing::Test {
 protected:
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  const base::SystemTime start_ = clock_.now();
  Ledger ledger_;
};

TEST_F(LedgerTest, HoldsBackTheOrderThatWouldBeOneTooMany) {
  for (int i = 0; i < 250; ++i) {
    EXPECT_FALSE(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before) << i;
    ledger_.ordered(clock_.now());
    clock_.advance(1s);
  }
  const auto verdict = ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now());
  EXPECT_EQ(verdict.not_before, start_ + 3h);
  EXPECT_EQ(verdict.limit, "orders of the account: 250 in 3 h");
  clock_.advance(3h - 250s);
  EXPECT_FALSE(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before);
  ledger_.ordered(clock_.now());
  EXPECT_EQ(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before, start_ + 1s + 3h);
}

TEST_F(LedgerTest, CountsCertificatesOfExactlyTheSameNamesInAnyOrder) {
  for (int i = 0; i < 4; ++i) {
    ledger_.issued(i % 2 == 0 ? names({"a.test", "b.test"}) : names({"b.test", "a.test", "a.test"}), clock_.now());
    clock_.advance(24h);
  }
  const auto verdict = ledger_.may_order(names({"b.test", "a.test"}), Kind::fresh, clock_.now());
  EXPECT_EQ(verdict.not_before, start_ + 24h * 7);
  EXPECT_EQ(verdict.limit, "certificates of exactly these names: 4 in 7 d");
  EXPECT_FALSE(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before);
  EXPECT_FALSE(ledger_.may_order(names({"a.test", "b.test", "c.test"}), Kind::fresh, clock_.now()).not_before);
}

TEST_F(LedgerTest, HoldsBackANameThatFailsAlsoAsAWildcard) {
  for (int i = 0; i < 4; ++i) ledger_.authorization_failed({Identifier::Type::dns, "bad.test"}, clock_.now());
  for (const auto& wanted : {names({"bad.test"}), names({"good.test", "bad.test"}), names({"*.bad.test"})}) {
    const auto verdict = ledger_.may_order(wanted, Kind::fresh, clock_.now());
    EXPECT_EQ(verdict.not_before, start_ + 1h);
    EXPECT_EQ(verdict.limit, "failed authorizations of bad.test: 4 in 1 h");
  }
  EXPECT_FALSE(ledger_.may_order(names({"good.test"}), Kind::fresh, clock_.now()).not_before);
  clock_.advance(1h);
  EXPECT_FALSE(ledger_.may_order(names({"bad.test"}), Kind::fresh, clock_.now()).not_before);
}

TEST_F(LedgerTest, NamesTheLimitThatLetsGoLast) {
  for (int i = 0; i < 4; ++i) {
    ledger_.authorization_failed({Identifier::Type::dns, "a.test"}, clock_.now());
    ledger_.issued(names({"a.test"}), clock_.now());
  }
  EXPECT_EQ(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before, start_ + 24h * 7);
}

TEST_F(LedgerTest, LetsARenewalInTheCasWindowThroughButNotForEver) {
  for (int i = 0; i < 300; ++i) ledger_.ordered(clock_.now());
  for (int i = 0; i < 4; ++i) ledger_.authorization_failed({Identifier::Type::dns, "a.test"}, clock_.now());
  for (int i = 0; i < 6; ++i) {
    EXPECT_FALSE(ledger_.may_order(names({"a.test"}), Kind::renewal_in_window, clock_.now()).not_before) << i;
    ledger_.issued(names({"a.test"}), clock_.now());
  }
  const auto verdict = ledger_.may_order(names({"a.test"}), Kind::renewal_in_window, clock_.now());
  EXPECT_EQ(verdict.not_before, start_ + 24h);
}

TEST_F(LedgerTest, IsNotStuckAfterTheClockWasPutBack) {
  for (int i = 0; i < 250; ++i) ledger_.ordered(clock_.now() + 24h * 365);
  EXPECT_FALSE(ledger_.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before);
}

TEST_F(LedgerTest, ForgetsNothingAcrossARestartAndKeepsNothingForEver) {
  for (int i = 0; i < 250; ++i) ledger_.ordered(clock_.now());
  for (int i = 0; i < 4; ++i) {
    ledger_.authorization_failed({Identifier::Type::dns, "a.test"}, clock_.now());
    ledger_.issued(names({"b.test"}), clock_.now());
  }
  const Ledger again = Ledger::from(nlohmann::json::parse(ledger_.to_json(clock_.now()).dump()));
  for (const char* name : {"a.test", "b.test", "c.test"}) {
    const auto before = ledger_.may_order(names({name}), Kind::fresh, clock_.now());
    const auto after = again.may_order(names({name}), Kind::fresh, clock_.now());
    EXPECT_EQ(after.not_before, before.not_before) << name;
    EXPECT_EQ(after.limit, before.limit) << name;
  }
  const nlohmann::json old = ledger_.to_json(clock_.now() + 24h * 8);
  EXPECT_TRUE(old["orders"].empty());
  EXPECT_TRUE(old["issued"].empty());
  EXPECT_TRUE(old["failed"].empty());
}

TEST_F(LedgerTest, TakesNothingFromWhatItCannotRead) {
  for (const char* text :
       {"null", "[]", "7", R"({"orders":7,"issued":[],"failed":null})",
        R"({"orders":["x",-1,1e300,null,99999999999999999999],"issued":{"a.test":{}},"failed":{"a.test":[[]]}})"}) {
    const Ledger ledger = Ledger::from(nlohmann::json::parse(text));
    EXPECT_FALSE(ledger.may_order(names({"a.test"}), Kind::fresh, clock_.now()).not_before) << text;
    EXPECT_TRUE(ledger.to_json(clock_.now())["orders"].empty());
  }
}

TEST_F(LedgerTest, StaysSmallHoweverManyNamesFail) {
  for (int i = 0; i < 20'000; ++i) {
    ledger_.authorization_failed({Identifier::Type::dns, std::to_string(i) + ".test"}, clock_.now());
    clock_.advance(10s);
  }
  EXPECT_LE(ledger_.to_json(clock_.now())["failed"].size(), 361U);
  EXPECT_LT(ledger_.to_json(clock_.now()).dump().size(), 20'000U);
}

}  // namespace
}  // namespace acme
