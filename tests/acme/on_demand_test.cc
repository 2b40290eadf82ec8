#include "acme/on_demand.h"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

config::IssuedCertificate shops() {
  config::IssuedCertificate wanted;
  wanted.name = "shops";
  wanted.issuer = "ca";
  wanted.on_demand = config::OnDemand{.allow = {"*.shops.test"}, .ask = {}, .ask_ca_certificates = {}};
  return wanted;
}

TEST(OnDemandAllows, NothingBeyondTheListAndOneLabel) {
  const std::vector<std::string> list{"one.test", "*.shops.test"};
  for (const char* name : {"", "two.test", "shops.test", ".shops.test", "a.b.shops.test", "xshops.test", "one.test.x"})
    EXPECT_FALSE(allows(list, name)) << name;
  EXPECT_TRUE(allows(list, "one.test"));
  EXPECT_TRUE(allows(list, "a.shops.test"));
  EXPECT_FALSE(allows({}, "one.test"));
}

class OnDemandGateTest : public testing::Test {
 protected:
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
};

TEST_F(OnDemandGateTest, RefusesWhatIsNotOnTheListAndSpendsNothingOnIt) {
  auto config = *shops().on_demand;
  config.new_per_hour = 1;
  OnDemandGate gate(config, clock_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gate.admit("evil.test", 0, {}).error().code, base::Code::refused);
  EXPECT_TRUE(gate.admit("a.shops.test", 0, {}));
}

TEST_F(OnDemandGateTest, AdmitsSoManyWithinAnHour) {
  auto config = *shops().on_demand;
  config.new_per_hour = 2;
  OnDemandGate gate(config, clock_);
  EXPECT_TRUE(gate.admit("a.shops.test", 0, {}));
  EXPECT_TRUE(gate.admit("b.shops.test", 1, {}));
  EXPECT_EQ(gate.admit("c.shops.test", 2, {}).error().code, base::Code::overloaded);
  clock_.advance(1h);
  EXPECT_TRUE(gate.admit("c.shops.test", 2, {}));
}

TEST_F(OnDemandGateTest, AdmitsSoManyInAll) {
  auto config = *shops().on_demand;
  config.at_most = 3;
  OnDemandGate gate(config, clock_);
  EXPECT_EQ(gate.admit("a.shops.test", 3, {}).error().code, base::Code::overloaded);
  EXPECT_TRUE(gate.admit("a.shops.test", 2, {}));
}

TEST_F(OnDemandGateTest, AsksAboutSoManyNamesInAMinuteAndNoMore) {
  test::ScriptedServer shop([](const auto&) { return test::ScriptedServer::Reply{.status = 404}; });
  auto config = *shops().on_demand;
  config.ask = shop.url("/may");
  OnDemandGate gate(config, clock_);
  EXPECT_FALSE(gate.asks_for("evil.test"));
  EXPECT_TRUE(gate.asks_for("a.shops.test"));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(gate.admit("n" + std::to_string(i) + ".shops.test", 0, {}));
  EXPECT_EQ(shop.requests().size(), 60U);
  EXPECT_EQ(gate.admit("a.shops.test", 0, {}).error().code, base::Code::overloaded);
  clock_.advance(1min);
  EXPECT_EQ(gate.admit("a.shops.test", 0, {}).error().code, base::Code::refused);
}

TEST_F(OnDemandGateTest, TellsANoFromATroubleOfTheAskUrl) {
  test::ScriptedServer shop([](const auto&) { return test::ScriptedServer::Reply{.status = 503}; });
  auto config = *shops().on_demand;
  config.ask = shop.url("/may");
  OnDemandGate gate(config, clock_);
  EXPECT_EQ(gate.admit("a.shops.test", 0, {}).error().code, base::Code::unreachable);
}

TEST(OnDemandRecords, AreForgottenWhenTheListNoLongerHasThem) {
  const test::ScratchFolder folder;
  FolderStorage storage(folder.path());
  auto from = shops();
  const base::SystemTime since = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  ASSERT_TRUE(store_on_demand(storage, {from_template(from, "a.shops.test"), since}, from.name));
  ASSERT_TRUE(storage.write("on_demand/broken.json", "{"));
  const auto found = stored_on_demand(storage, {from});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].wanted.hosts, std::vector<std::string>{"a.shops.test"});
  EXPECT_FALSE(found[0].wanted.on_demand);
  EXPECT_EQ(found[0].since, since);
  from.on_demand->allow = {"*.others.test"};
  EXPECT_TRUE(stored_on_demand(storage, {from}).empty());
  EXPECT_TRUE(stored_on_demand(storage, {}).empty());
}

}  // namespace
}  // namespace acme
