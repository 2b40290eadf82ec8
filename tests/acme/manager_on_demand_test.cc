// Names that clients brought up: what they can cost at most.
#include <gtest/gtest.h>

#include <atomic>

#include "acme/manager.h"
#include "base/wait.h"
#include "certstore/store.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

class ManagerOnDemandTest : public testing::Test {
 protected:
  ManagerOnDemandTest() {
    wanted_.name = "shops";
    wanted_.issuer = "self";
    wanted_.on_demand = config::OnDemand{.allow = {"*.shops.test"}, .ask = {}, .ask_ca_certificates = {}};
  }

  void start() {
    manager_.emplace(Manager::Options{
        .storage = storage_, .locks = locks_, .challenges = table_, .clock = clock_, .concurrent_orders = 1});
    manager_->configure(
        {wanted_},
        {{"self", config::SelfSignedIssuer{.lifetime = 90 * 24h}},
         {"broken", config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"}}});
    manager_->start(store_.reporter("issuers"));
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const ManagedCertificate& one : manager_->status()) all.push_back(one.name);
    return all;
  }
  ManagedCertificate only() const {
    const auto all = manager_->status();
    return all.size() == 1 ? all[0] : ManagedCertificate{};
  }
  template <class Condition>
  static bool eventually(const Condition& condition) {
    for (int i = 0; i < 4000 && !condition(); ++i) base::wait_for(5ms, {});
    return condition();
  }
  std::uint64_t refused() const { return manager_->counters().on_demand_refused; }

  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  FolderChallengeTable table_{folder_.path() / "challenges", [](const auto&) {}};
  certstore::Store store_{clock_, [](const auto&) {}};
  config::IssuedCertificate wanted_;
  std::optional<Manager> manager_;  // last: its threads use the rest
};

TEST_F(ManagerOnDemandTest, MakesRoomByForgettingANameThatNeverGotACertificate) {
  wanted_.issuer = "broken";
  wanted_.on_demand->at_most = 1;
  start();
  manager_->asked_for("a.shops.test");
  EXPECT_TRUE(eventually([&] { return only().failures == 1; }));
  manager_->asked_for("evil.test");
  EXPECT_TRUE(eventually([&] { return refused() == 1; }));
  EXPECT_EQ(names(), std::vector<std::string>{"a.shops.test"}) << "not for a name that is not allowed";
  // Again and again: what a thread is at makes no room.
  EXPECT_TRUE(eventually([&] {
    manager_->asked_for("b.shops.test");
    return names() == std::vector<std::string>{"b.shops.test"};
  }));
  EXPECT_EQ(storage_.list("on_demand")->size(), 1U);
  EXPECT_TRUE(eventually([&] { return only().failures == 1; }));
  const std::uint64_t before = refused();
  manager_->asked_for("a.shops.test");
  EXPECT_EQ(refused(), before + 1) << "it had its turn today";
}

TEST_F(ManagerOnDemandTest, NeverForgetsOneThatHasACertificate) {
  wanted_.on_demand->at_most = 1;
  start();
  manager_->asked_for("a.shops.test");
  EXPECT_TRUE(eventually([&] { return only().state == ManagedCertificate::State::issued; }));
  manager_->asked_for("b.shops.test");
  EXPECT_TRUE(eventually([&] { return refused() == 1; }));
  EXPECT_EQ(names(), std::vector<std::string>{"a.shops.test"});
}

TEST_F(ManagerOnDemandTest, GivesUpANameThatFailsAgainAndAgain) {
  wanted_.issuer = "broken";
  start();
  manager_->asked_for("a.shops.test");
  for (unsigned failures = 1; failures < 5; ++failures) {
    ASSERT_TRUE(eventually([&] { return only().failures == failures; })) << failures;
    clock_.advance(30h);
    manager_->storage_changed({});
  }
  EXPECT_TRUE(eventually([&] { return names().empty(); }));
  EXPECT_TRUE(eventually([&] { return storage_.list("failures")->empty(); }));
  EXPECT_TRUE(storage_.list("on_demand")->empty());
}

TEST_F(ManagerOnDemandTest, RemembersThatTheAskUrlSaidNo) {
  std::atomic<unsigned> status = 403;
  test::ScriptedServer shop([&](const auto&) { return test::ScriptedServer::Reply{.status = status}; });
  wanted_.on_demand->ask = shop.url("/may");
  start();
  manager_->asked_for("a.shops.test");
  EXPECT_TRUE(eventually([&] { return refused() == 1; }));
  manager_->asked_for("a.shops.test");
  EXPECT_EQ(refused(), 2U) << "at once";
  EXPECT_EQ(shop.requests().size(), 1U);
  clock_.advance(10min);
  status = 200;
  manager_->asked_for("a.shops.test");
  EXPECT_TRUE(eventually([&] { return only().state == ManagedCertificate::State::issued; }));
  EXPECT_EQ(shop.requests().size(), 2U);
}

}  // namespace
}  // namespace acme
