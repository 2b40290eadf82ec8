#include "acme/manager.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include "base/file.h"
#include "base/wait.h"
#include "certstore/certificate.h"
#include "certstore/signing_authority.h"
#include "certstore/store.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using State = ManagedCertificate::State;

// A manager on a folder of its own, with a clock that is stepped. Issues by itself or by a CA whose files are in the
// folder.
class ManagerTest : public testing::Test {
 protected:
  ManagerTest() : store_(clock_, [](const auto&) {}) {}

  void start() {
    table_ = std::make_unique<FolderChallengeTable>(folder_.path() / "challenges", [](const auto&) {});
    manager_ = std::make_unique<Manager>(Manager::Options{
        .storage = storage_,
        .locks = locks_,
        .challenges = *table_,
        .clock = clock_,
        .elsewhere = [this](const std::vector<std::string>&) { return std::pair(elsewhere_, std::string("files")); },
        .withhold = [this](const std::vector<std::string>& names) { withhold(names); },
        .concurrent_orders = 2});
    manager_->configure(certificates_, issuers_);
    manager_->start(store_.reporter("issuers"));
  }
  void stop() { manager_.reset(); }

  void want(const std::string& name, const std::string& issuer) {
    config::IssuedCertificate wanted;
    wanted.name = name;
    wanted.hosts = {name};
    wanted.issuer = issuer;
    certificates_.push_back(wanted);
  }

  ManagedCertificate status(const std::string& name) const {
    for (ManagedCertificate& one : manager_->status()) {
      if (one.name == name) return one;
    }
    return {};
  }

  // Waits until the certificate is in this state and at rest; what it is then.
  ManagedCertificate when(const std::string& name, State state) const {
    return when(name, [state](const ManagedCertificate& one) { return one.state == state; });
  }
  ManagedCertificate when(const std::string& name, const std::function<bool(const ManagedCertificate&)>& good) const {
    for (int i = 0; i < 4000; ++i) {
      ManagedCertificate one = status(name);
      if (good(one)) return one;
      base::wait_for(5ms, {});
    }
    ADD_FAILURE() << name << " is " << to_string(status(name).state) << ": " << status(name).problem;
    return {};
  }

  void step(std::chrono::nanoseconds by) {
    clock_.advance(by);
    manager_->storage_changed({});
  }

  std::string serial(const std::string& name) const {
    const auto index = store_.index();  // held: a thread of the manager may be replacing it
    const auto* pair = index->find(name);
    return pair == nullptr || !pair->ecdsa ? "" : pair->ecdsa->facts().serial_hex;
  }

  // A name that is not withheld any more has its certificate, and at each moment before it is withheld.
  void withhold(const std::vector<std::string>& names) {
    if (names.empty() && store_.index()->find("a.example.com") == nullptr) shown_too_early_ = true;
  }

  test::ScratchFolder folder_;
  std::atomic<bool> shown_too_early_ = false;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  certstore::Store store_;
  std::vector<config::IssuedCertificate> certificates_;
  std::map<std::string, config::Issuer> issuers_{{"self", config::SelfSignedIssuer{.lifetime = 90 * 24h}}};
  certstore::CertificatePtr elsewhere_;
  std::unique_ptr<FolderChallengeTable> table_;
  std::unique_ptr<Manager> manager_;  // last: its threads use the rest
};

TEST_F(ManagerTest, TriesAgainAfterOneTenAndAHundredMinutesThenDaily) {
  issuers_["broken"] = config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"};
  want("a.example.com", "broken");
  start();
  const std::chrono::seconds steps[] = {1min, 10min, 100min, 24h, 24h};
  unsigned failures = 0;
  for (const std::chrono::seconds pause : steps) {
    ++failures;
    const auto failed =
        when("a.example.com", [&](const auto& one) { return one.failures == failures && one.state == State::failed; });
    ASSERT_TRUE(failed.next_action);
    EXPECT_GE(*failed.next_action - clock_.now(), pause) << failures;
    EXPECT_LE(*failed.next_action - clock_.now(), pause + pause / 10) << failures;
    EXPECT_NE(failed.problem.find("no.crt"), std::string::npos) << failed.problem;
    step(pause + pause / 10);
  }
}

TEST_F(ManagerTest, RemembersFailuresAcrossARestart) {
  issuers_["broken"] = config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"};
  want("a.example.com", "broken");
  start();
  (void)when("a.example.com", State::failed);
  stop();
  start();
  const auto failed = when("a.example.com", State::failed);
  EXPECT_EQ(failed.failures, 1U);
  EXPECT_GT(*failed.next_action, clock_.now());
}

TEST_F(ManagerTest, TellsOfAnIssuerThatIsNotThere) {
  want("a.example.com", "nobody");
  start();
  EXPECT_NE(when("a.example.com", State::failed).problem.find("nobody"), std::string::npos);
}

TEST_F(ManagerTest, OrdersNothingThatAnotherSourceHolds) {
  const test::Minted minted = test::Authority("other").issue(
      {.names = {"a.example.com"}, .not_before = clock_.now() - 24h, .not_after = clock_.now() + 89 * 24h});
  elsewhere_ = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value();
  want("a.example.com", "self");
  start();
  const auto held = when("a.example.com", State::held_elsewhere);
  EXPECT_TRUE(held.certificates.empty());
  EXPECT_NE(held.detail.find("files"), std::string::npos);
  // It is renewed by nobody else: then it is ours to do.
  step(80 * 24h);
  EXPECT_EQ(when("a.example.com", State::issued).certificates.size(), 1U);
}

TEST_F(ManagerTest, IssuesOnceAndServesThatAgainAfterARestart) {
  want("a.example.com", "self");
  start();
  (void)when("a.example.com", State::issued);
  const std::string before = serial("a.example.com");
  EXPECT_NE(before, "");
  stop();
  start();
  EXPECT_EQ(serial("a.example.com"), before) << "it is served before anything is asked";
  (void)when("a.example.com", State::issued);
  EXPECT_EQ(serial("a.example.com"), before);
  EXPECT_EQ(manager_->counters().orders["issued"], 0U);
}

TEST_F(ManagerTest, RenewsWhenAThirdOfTheLifetimeIsLeft) {
  want("a.example.com", "self");
  start();
  // It is issued first, and its renewal is planned next.
  const auto first = when(
      "a.example.com", [&](const auto& one) { return one.state == State::issued && one.next_action > clock_.now(); });
  const std::string before = serial("a.example.com");
  const auto left = first.certificates.front()->facts().not_after - *first.next_action;
  EXPECT_GE(left, 30 * 24h - 1h);
  EXPECT_LE(left, 36 * 24h);
  step(50 * 24h);
  (void)when("a.example.com", State::issued);
  EXPECT_EQ(serial("a.example.com"), before);
  step(11 * 24h);
  (void)when("a.example.com", [&](const auto&) { return serial("a.example.com") != before; });
}

TEST_F(ManagerTest, RenewsAtOnceWhenItIsAsked) {
  want("a.example.com", "self");
  start();
  (void)when("a.example.com", State::issued);
  const std::string before = serial("a.example.com");
  EXPECT_FALSE(manager_->renew("b.example.com"));
  EXPECT_TRUE(manager_->renew("a.example.com"));
  (void)when("a.example.com", [&](const auto&) { return serial("a.example.com") != before; });
}

TEST_F(ManagerTest, GetsBothKindsOfKeyForOneName) {
  want("a.example.com", "self");
  certificates_.back().key.types = {config::CertificateKey::Type::ecdsa, config::CertificateKey::Type::rsa};
  start();
  const auto issued = when("a.example.com", [](const auto& one) { return one.certificates.size() == 2; });
  EXPECT_NE(store_.index()->find("a.example.com")->rsa, nullptr);
  EXPECT_NE(store_.index()->find("a.example.com")->ecdsa, nullptr);
}

TEST_F(ManagerTest, LetsGoOfWhatIsNoLongerWanted) {
  want("a.example.com", "self");
  want("b.example.com", "self");
  start();
  (void)when("a.example.com", State::issued);
  (void)when("b.example.com", State::issued);
  certificates_.pop_back();
  manager_->configure(certificates_, issuers_);
  EXPECT_EQ(manager_->status().size(), 1U);
  clock_.advance(1min);
  store_.tick();
  EXPECT_EQ(serial("b.example.com"), "");
  EXPECT_NE(serial("a.example.com"), "");
}

TEST_F(ManagerTest, KeepsServingTheOldOneWhileTheIssuerChanges) {
  want("a.example.com", "self");
  start();
  (void)when("a.example.com", State::issued);
  const std::string before = serial("a.example.com");
  issuers_["broken"] = config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"};
  certificates_.back().issuer = "broken";
  manager_->configure(certificates_, issuers_);
  (void)when("a.example.com", State::failed);
  EXPECT_EQ(serial("a.example.com"), before);
}

TEST_F(ManagerTest, AdmitsOnDemandOnlyWhatIsAllowedAndOnlySoManyAnHour) {
  want("on demand", "self");
  certificates_.back().hosts.clear();
  config::OnDemand allowed;
  allowed.allow = {"*.example.com"};
  allowed.new_per_hour = 2;
  certificates_.back().on_demand = allowed;
  start();
  manager_->asked_for("a.example.org");
  manager_->asked_for("a.example.com");
  manager_->asked_for("b.example.com");
  manager_->asked_for("c.example.com");
  (void)when("a.example.com", State::issued);
  (void)when("b.example.com", State::issued);
  EXPECT_EQ(manager_->status().size(), 2U);
  EXPECT_EQ(manager_->counters().on_demand_refused, 2U);
  stop();
  start();
  EXPECT_NE(serial("a.example.com"), "") << "what was admitted is remembered";
  clock_.advance(61min);
  manager_->asked_for("c.example.com");
  (void)when("c.example.com", State::issued);
}

TEST_F(ManagerTest, ShowsAWithheldNameOnlyOnceItsCertificateIsThere) {
  want("a.example.com", "self");
  certificates_.back().until_issued = config::IssuedCertificate::UntilIssued::refuse;
  start();
  (void)when("a.example.com", State::issued);
  EXPECT_FALSE(shown_too_early_);
}

// What is due as soon as it is there: the CA certificate ends before the leaf's lifetime is half over.
TEST_F(ManagerTest, RestsBetweenCertificatesThatAreDueAtOnce) {
  const test::Authority authority("short");
  ASSERT_TRUE(base::write_file_atomically(folder_.path() / "ca.crt", authority.pem()));
  ASSERT_TRUE(base::write_file_atomically(folder_.path() / "ca.key", authority.key_pem()));
  const auto loaded = certstore::SigningAuthority::load(folder_.path() / "ca.crt", folder_.path() / "ca.key");
  ASSERT_TRUE(loaded);
  clock_.advance(loaded->not_after() - clock_.now() - 30s);
  issuers_["ca"] = config::CaIssuer{.certificate = folder_.path() / "ca.crt", .key = folder_.path() / "ca.key"};
  want("a.example.com", "ca");
  start();
  (void)when("a.example.com", [&](const auto& one) { return one.next_action_reason == "due as soon as it was there"; });
  base::wait_for(50ms, {});
  EXPECT_EQ(manager_->counters().orders["issued"], 1U);
}

TEST_F(ManagerTest, DoesNotTrustFailuresFromBeforeTheClockWasPutBack) {
  issuers_["broken"] = config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"};
  want("a.example.com", "broken");
  start();
  (void)when("a.example.com", State::failed);
  step(-24h * 365);
  (void)when("a.example.com", [](const auto& one) { return one.failures == 2; });
}

TEST_F(ManagerTest, KeepsItsOwnWhereAnotherProcessHasWrittenWhatIsNotForAllNames) {
  want("a.example.com", "self");
  certificates_.back().hosts.push_back("b.example.com");
  start();
  (void)when("a.example.com", State::issued);
  const std::string before = serial("b.example.com");
  const test::Minted minted = test::Authority("other").issue(
      {.names = {"a.example.com"}, .not_before = clock_.now() - 24h, .not_after = clock_.now() + 89 * 24h});
  ASSERT_TRUE(storage_.write("certificates/a.example.com.ecdsa.pem", minted.chain_pem() + minted.key_pem()));
  step(1min);
  base::wait_for(50ms, {});
  clock_.advance(1min);
  store_.tick();
  EXPECT_EQ(serial("b.example.com"), before);
}

// Of two threads the second is kept for others: in a cluster anybody may name a server that never answers.
TEST_F(ManagerTest, IssuesForOthersWhileTheServerOfOneDoesNotAnswer) {
  std::promise<void> asked;
  std::promise<void> over;
  const auto end = over.get_future().share();
  std::once_flag first;
  test::ScriptedServer tarpit([&](const auto&) {
    std::call_once(first, [&] { asked.set_value(); });
    end.wait();
    return test::ScriptedServer::Reply{.status = 500};
  });
  config::AcmeIssuer slow;
  slow.directory = tarpit.url("/dir");
  slow.agree_to_terms = true;
  slow.preflight = config::Preflight::off;
  issuers_["Issuer/one/a"] = slow;
  issuers_["Issuer/one/b"] = slow;
  for (const char* name : {"1.example.com", "2.example.com", "3.example.com"}) want(name, "Issuer/one/a");
  for (const char* name : {"4.example.com", "5.example.com"}) want(name, "Issuer/one/b");
  start();
  asked.get_future().wait();
  want("a.example.com", "self");
  manager_->configure(certificates_, issuers_);
  (void)when("a.example.com", State::issued);
  over.set_value();
  stop();
}

TEST_F(ManagerTest, LeavesOthersAloneWhenOneIssuerChanges) {
  want("a.example.com", "self");
  issuers_["broken"] = config::CaIssuer{.certificate = folder_.path() / "no.crt", .key = folder_.path() / "no.key"};
  certificates_.back().issuer = "broken";
  start();
  (void)when("a.example.com", State::failed);
  issuers_["self"] = config::SelfSignedIssuer{.lifetime = 30 * 24h};
  manager_->configure(certificates_, issuers_);
  EXPECT_EQ(status("a.example.com").state, State::failed) << "it has not begun anew";
}

}  // namespace
}  // namespace acme
