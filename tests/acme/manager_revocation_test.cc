// What the manager does when somebody revokes a certificate while one of its threads is at it.
#include <gtest/gtest.h>

#include <future>

#include "acme/manager.h"
#include "acme/revocations.h"
#include "acme/stored_certificate.h"
#include "acme/target.h"
#include "base/wait.h"
#include "certstore/certificate.h"
#include "certstore/store.h"
#include "tests/acme/ca_script.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

// A renewal information server that answers when it is told to.
class HeldBack {
 public:
  [[nodiscard]] std::string url() const { return server_.url("/ari"); }
  void wait_until_asked() { asked_.get_future().wait(); }
  void answer() { may_answer_.set_value(); }

 private:
  test::ScriptedServer::Reply reply() {
    if (!std::exchange(told_, true)) {
      asked_.set_value();
      may_answer_.get_future().wait_for(20s);
    }
    return {.headers = {{"Content-Type", "application/json"}},
            .body = R"({"suggestedWindow":{"start":"2027-01-20T00:00:00Z","end":"2027-01-22T00:00:00Z"}})"};
  }

  bool told_ = false;
  std::promise<void> asked_;
  std::promise<void> may_answer_;
  test::ScriptedServer server_{[this](const auto&) { return reply(); }};  // last: it calls reply()
};

constexpr const char* name = "www.example.com";

// A name with a good certificate of a scripted CA in storage, and managers on that storage, as processes would be.
class ManagerRevocationTest : public testing::Test {
 protected:
  ManagerRevocationTest() {
    nlohmann::json directory{{"newNonce", ca_.url("/nonce")},
                             {"newAccount", ca_.url("/account")},
                             {"newOrder", ca_.url("/order")},
                             {"revokeCert", ca_.url("/revoke")},
                             {"keyChange", ca_.url("/key")}};
    ca_.on("/account", {.status = 201,
                        .headers = {{"Location", ca_.url("/account/1")}, {"Content-Type", "application/json"}},
                        .body = R"({"status":"valid"})"});
    issuer_.directory = ca_.url("/dir");
    issuer_.agree_to_terms = true;
    issuer_.preflight = config::Preflight::off;
    wanted_.name = name;
    wanted_.hosts = {wanted_.name};
    wanted_.issuer = "ca";
    ca_.json("/dir", directory);
    put();
  }

  // What the CA issued, in storage.
  void put() {
    const test::Minted minted =
        authority_.issue({.names = {name}, .not_before = clock_.now() - 24h, .not_after = clock_.now() + 89 * 24h});
    const StoredCertificate stored{
        .certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value(),
        .issuer = "ca",
        .authority = issuer_.directory,
        .window = std::nullopt};
    ASSERT_TRUE(CertificateShelf(storage_).write(targets_of(wanted_).front().certificate_key(), stored));
  }

  void plan(const std::string& der, unsigned reason, base::SystemTime since) {
    ASSERT_TRUE(Revocations(storage_).plan({.name = name,
                                            .record = targets_of(wanted_).front().record(),
                                            .issuer = "ca",
                                            .reason = reason,
                                            .fingerprint = "0a1b",
                                            .der = der,
                                            .since = since,
                                            .until = clock_.now() + 89 * 24h}));
  }

  struct Process {
    Process(ManagerRevocationTest& test, FolderChallengeTable& table)
        : store(test.clock_, [](const auto&) {}),
          manager({.storage = test.storage_,
                   .locks = test.locks_,
                   .challenges = table,
                   .clock = test.clock_,
                   .concurrent_orders = 1}) {
      manager.configure({test.wanted_}, {{"ca", test.issuer_}});
      manager.start(store.reporter("issuers"));
    }
    [[nodiscard]] certstore::CertificatePtr served() {
      store.tick();
      const auto index = store.index();
      const auto* found = index->find(name);
      return found == nullptr ? nullptr : found->ecdsa;
    }
    [[nodiscard]] bool serves() { return served() != nullptr; }
    certstore::Store store;
    Manager manager;
  };

  template <class Condition>
  static bool eventually(const Condition& condition) {
    for (int i = 0; i < 4000 && !condition(); ++i) base::wait_for(5ms, {});
    return condition();
  }

  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  test::ScratchFolder folder_;
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  FolderChallengeTable table_{folder_.path() / "challenges", [](const auto&) {}};
  test::Authority authority_{"CA"};
  test::CaScript ca_;
  config::AcmeIssuer issuer_;
  config::IssuedCertificate wanted_;
};

TEST_F(ManagerRevocationTest, OrdersANewOneAlsoWhenTheCaIsJustAskedForTheWindow) {
  HeldBack renewal_info;
  ca_.json("/other-dir", {{"newNonce", ca_.url("/nonce")},
                          {"newAccount", ca_.url("/account")},
                          {"newOrder", ca_.url("/order")},
                          {"revokeCert", ca_.url("/revoke")},
                          {"keyChange", ca_.url("/key")},
                          {"renewalInfo", renewal_info.url()}});
  issuer_.directory = ca_.url("/other-dir");
  put();
  ca_.on("/revoke", {});
  ca_.problem("/order", 403, "rejectedIdentifier");
  Process process(*this, table_);
  renewal_info.wait_until_asked();
  const auto revoked = process.manager.revoke(name, 1, {});
  renewal_info.answer();
  ASSERT_TRUE(revoked) << revoked.error().what;
  EXPECT_TRUE(eventually([&] { return !ca_.requests("/order").empty(); })) << "what is revoked is got anew";
  EXPECT_EQ(ca_.requests("/order").size(), 1U);
  clock_.advance(1min);
  EXPECT_FALSE(process.serves()) << "and not served";
}

TEST_F(ManagerRevocationTest, StopsServingInEveryProcessEvenIfTheCaDoesNotAnswer) {
  ca_.problem("/revoke", 500, "serverInternal");
  ca_.problem("/order", 403, "rejectedIdentifier");
  Process one(*this, table_);
  Process two(*this, table_);
  EXPECT_TRUE(eventually([&] { return one.serves() && two.serves(); }));
  const auto revoked = one.manager.revoke(name, 1, {});
  ASSERT_FALSE(revoked);
  EXPECT_NE(revoked.error().what.find("not served any more"), std::string::npos) << revoked.error().what;
  EXPECT_FALSE(one.serves());
  two.manager.storage_changed({});  // as the watch of the folder says
  EXPECT_TRUE(eventually([&] { return !two.serves(); }));
  EXPECT_EQ(Revocations(storage_).planned().size(), 1U) << "the CA is asked again";
  Process restarted(*this, table_);
  clock_.advance(1min);
  EXPECT_FALSE(restarted.serves());
}

TEST_F(ManagerRevocationTest, TellsTheCaAfterARestartWhatItWasNotTold) {
  ca_.problem("/revoke", 500, "serverInternal");
  ca_.on("/revoke", {});
  ca_.problem("/order", 403, "rejectedIdentifier");
  {
    Process one(*this, table_);
    EXPECT_TRUE(eventually([&] { return one.serves(); }));
    EXPECT_FALSE(one.manager.revoke(name, 1, {}));
  }
  Process again(*this, table_);
  EXPECT_TRUE(eventually([&] { return Revocations(storage_).planned().empty(); }));
  EXPECT_EQ(ca_.requests("/revoke").size(), 2U);
  EXPECT_FALSE(storage_.read("certificates/www.example.com.ecdsa.pem")->has_value());
}

TEST_F(ManagerRevocationTest, KeepsServingForAHarmlessReasonUntilThereIsANewOne) {
  ca_.on("/revoke", {});
  ca_.problem("/order", 403, "rejectedIdentifier");
  Process one(*this, table_);
  Process two(*this, table_);
  EXPECT_TRUE(eventually([&] { return one.serves(); }));
  ASSERT_TRUE(one.manager.revoke(name, 4, {}));
  EXPECT_TRUE(eventually([&] { return !ca_.requests("/order").empty(); }));
  EXPECT_TRUE(eventually([&] { return one.manager.status().at(0).state == ManagedCertificate::State::failed; }));
  EXPECT_TRUE(one.serves());
  EXPECT_TRUE(ca_.requests("/revoke").empty()) << "there is no other yet";
  put();  // another process got it
  one.manager.storage_changed({});
  EXPECT_TRUE(eventually([&] { return Revocations(storage_).planned().empty(); }));
  ASSERT_EQ(ca_.requests("/revoke").size(), 1U);
  EXPECT_EQ(test::CaScript::payload_of(ca_.requests("/revoke")[0]).value("reason", 99), 4);
  EXPECT_TRUE(one.serves());
}

TEST_F(ManagerRevocationTest, AsksForTheNewOneUntilThereIsOneAlsoAfterARestart) {
  ca_.on("/revoke", {});
  ca_.problem("/order", 403, "rejectedIdentifier");
  const auto asked = [&](Process& process, std::size_t times) {
    return eventually([&] {
      const auto state = process.manager.status().at(0).state;
      return ca_.requests("/order").size() == times && state == ManagedCertificate::State::failed;
    });
  };
  {
    Process process(*this, table_);
    EXPECT_TRUE(eventually([&] { return process.serves(); }));
    ASSERT_TRUE(process.manager.revoke(name, 4, {}));
    EXPECT_TRUE(asked(process, 1));
    clock_.advance(48h);
    process.manager.storage_changed({});
    EXPECT_TRUE(asked(process, 2));
  }
  clock_.advance(48h);
  Process restarted(*this, table_);
  EXPECT_TRUE(asked(restarted, 3));
  EXPECT_TRUE(restarted.serves());
  EXPECT_TRUE(ca_.requests("/revoke").empty()) << "there is no other yet";
}

TEST_F(ManagerRevocationTest, RevokesADayLaterWhatNobodyWantsAnyMore) {
  ca_.on("/revoke", {});
  plan("as the CA made it", 5, clock_.now() - 25h);
  wanted_.name = "other.example.com";
  wanted_.hosts = {wanted_.name};
  ca_.problem("/order", 403, "rejectedIdentifier");
  Process without(*this, table_);
  EXPECT_TRUE(eventually([&] { return Revocations(storage_).planned().empty(); }));
  EXPECT_EQ(ca_.requests("/revoke").size(), 1U);
}

// A thousand certificates that are renewed are no thousand occasions to ask for what was refused.
TEST_F(ManagerRevocationTest, LeavesTheCaAloneForAWhileAfterItRefused) {
  ca_.problem("/revoke", 500, "serverInternal");
  plan("refused", 1, clock_.now());
  Process process(*this, table_);
  EXPECT_TRUE(eventually([&] { return ca_.requests("/revoke").size() == 1; }));
  for (int i = 0; i < 5; ++i) {
    const auto before = process.served();
    put();
    process.manager.storage_changed({});
    EXPECT_TRUE(eventually([&] { return process.served() != before; }));
  }
  EXPECT_EQ(ca_.requests("/revoke").size(), 1U);
}

}  // namespace
}  // namespace acme
