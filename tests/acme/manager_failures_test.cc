// What the manager does when the CA is down, rejects or limits: measured on a clock that is stepped.
#include <gtest/gtest.h>

#include "acme/manager.h"
#include "base/wait.h"
#include "certstore/store.h"
#include "tests/acme/ca_script.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using State = ManagedCertificate::State;

class ManagerFailuresTest : public testing::Test {
 protected:
  ManagerFailuresTest() : store_(clock_, [](const auto&) {}) {
    ca_.on("/account", {.status = 201,
                        .headers = {{"Location", ca_.url("/account/1")}, {"Content-Type", "application/json"}},
                        .body = R"({"status":"valid"})"});
  }

  void start(const std::string& fallback = {}) {
    table_ = std::make_unique<FolderChallengeTable>(folder_.path() / "challenges", [](const auto&) {});
    manager_ = std::make_unique<Manager>(Manager::Options{
        .storage = storage_, .locks = locks_, .challenges = *table_, .clock = clock_, .concurrent_orders = 1});
    config::AcmeIssuer issuer;
    issuer.directory = ca_.url("/dir");
    issuer.agree_to_terms = true;
    issuer.preflight = config::Preflight::off;
    issuer.fallback = fallback;
    config::IssuedCertificate wanted;
    wanted.name = name;
    wanted.hosts = {name};
    wanted.issuer = "ca";
    std::map<std::string, config::Issuer> issuers{{"ca", issuer}};
    if (!fallback.empty()) issuers[fallback] = config::SelfSignedIssuer{};
    manager_->configure({wanted}, issuers);
    manager_->start(store_.reporter("issuers"));
  }

  ManagedCertificate after(unsigned failures) const {
    for (int i = 0; i < 4000; ++i) {
      const auto all = manager_->status();
      if (all.size() == 1 && all[0].state == State::failed && all[0].failures == failures) return all[0];
      base::wait_for(5ms, {});
    }
    ADD_FAILURE() << "not " << failures << " failures, but " << manager_->status().at(0).failures << ": "
                  << manager_->status().at(0).problem;
    return {};
  }
  std::chrono::nanoseconds pause_of(const ManagedCertificate& failed) const {
    return failed.next_action.value_or(clock_.now()) - clock_.now();
  }

  static constexpr const char* name = "www.example.com";
  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  certstore::Store store_;
  test::CaScript ca_;
  std::unique_ptr<FolderChallengeTable> table_;
  std::unique_ptr<Manager> manager_;  // last: its threads use the rest
};

TEST_F(ManagerFailuresTest, ObeysTheRetryAfterOfARateLimit) {
  ca_.problem("/order", 429, "rateLimited", {{"Retry-After", "7200"}});
  start();
  const auto failed = after(1);
  EXPECT_EQ(failed.problem_type, "rateLimited");
  EXPECT_GE(pause_of(failed), 2h - 1min);
  EXPECT_LE(pause_of(failed), 3h);
  clock_.advance(1h);
  manager_->storage_changed({});
  base::wait_for(100ms, {});
  EXPECT_EQ(ca_.requests("/order").size(), 1U) << "not before the CA wants it";
}

TEST_F(ManagerFailuresTest, TriesDailyWhatNoWaitingMends) {
  ca_.problem("/order", 403, "rejectedIdentifier");
  start();
  const auto failed = after(1);
  EXPECT_EQ(failed.problem_type, "rejectedIdentifier");
  EXPECT_GE(pause_of(failed), 24h);
  EXPECT_LE(pause_of(failed), 27h);
}

TEST_F(ManagerFailuresTest, WaitsOneMinuteThenTenWhenTheServerIsInTrouble) {
  ca_.problem("/order", 500, "serverInternal");
  start();
  const auto first = after(1);
  EXPECT_GE(pause_of(first), 1min);
  EXPECT_LE(pause_of(first), 67s);
  clock_.advance(pause_of(first));
  manager_->storage_changed({});
  const auto second = after(2);
  EXPECT_GE(pause_of(second), 10min);
  EXPECT_LE(pause_of(second), 11min + 1s);
  EXPECT_NE(second.problem.find("serverInternal"), std::string::npos) << second.problem;
}

TEST_F(ManagerFailuresTest, AsksTheNextIssuerAtOnceAfterALimit) {
  ca_.problem("/order", 429, "rateLimited", {{"Retry-After", "7200"}});
  start("second");
  for (int i = 0; i < 4000 && manager_->status().at(0).state != State::issued; ++i) base::wait_for(5ms, {});
  const auto issued = manager_->status().at(0);
  EXPECT_EQ(issued.state, State::issued);
  EXPECT_EQ(issued.issued_by, "second");
  EXPECT_EQ(issued.failures, 0U);
}

TEST_F(ManagerFailuresTest, NeverReachesTheLimitOfOrdersInALoopOfRenewals) {
  ca_.problem("/order", 500, "serverInternal");
  start();
  (void)after(1);
  for (unsigned i = 0; i < 400; ++i) {
    if (!manager_->renew(name)) FAIL();
    for (int wait = 0; wait < 2000; ++wait) {
      const auto now = manager_->status().at(0);
      if (now.state == State::failed || now.state == State::waiting) break;
      base::wait_for(1ms, {});
    }
  }
  EXPECT_LE(ca_.requests("/order").size(), 250U);
}

}  // namespace
}  // namespace acme
