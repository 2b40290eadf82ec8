// What the manager does when somebody revokes a certificate while one of its threads is at it.
#include <gtest/gtest.h>

#include <future>

#include "acme/manager.h"
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

TEST(ManagerRevocation, OrdersANewOneAlsoWhenTheCaIsJustAskedForTheWindow) {
  base::FakeClock clock{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  const test::ScratchFolder folder;
  FolderStorage storage(folder.path());
  FolderLocks locks(folder.path() / "locks");
  FolderChallengeTable table(folder.path() / "challenges", [](const auto&) {});
  certstore::Store store(clock, [](const auto&) {});
  HeldBack renewal_info;
  test::CaScript ca;
  ca.json("/dir", {{"newNonce", ca.url("/nonce")},
                   {"newAccount", ca.url("/account")},
                   {"newOrder", ca.url("/order")},
                   {"revokeCert", ca.url("/revoke")},
                   {"keyChange", ca.url("/key")},
                   {"renewalInfo", renewal_info.url()}});
  ca.on("/account", {.status = 201,
                     .headers = {{"Location", ca.url("/account/1")}, {"Content-Type", "application/json"}},
                     .body = R"({"status":"valid"})"});
  ca.on("/revoke", {});
  ca.problem("/order", 403, "rejectedIdentifier");

  config::AcmeIssuer issuer;
  issuer.directory = ca.url("/dir");
  issuer.agree_to_terms = true;
  issuer.preflight = config::Preflight::off;
  config::IssuedCertificate wanted;
  wanted.name = "www.example.com";
  wanted.hosts = {wanted.name};
  wanted.issuer = "ca";
  const test::Minted minted = test::Authority("CA").issue(
      {.names = {wanted.name}, .not_before = clock.now() - 24h, .not_after = clock.now() + 89 * 24h});
  const StoredCertificate stored{
      .certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value(),
      .issuer = "ca",
      .authority = issuer.directory,
      .window = std::nullopt};
  ASSERT_TRUE(CertificateShelf(storage).write(targets_of(wanted).front().certificate_key(), stored));

  Manager manager({.storage = storage, .locks = locks, .challenges = table, .clock = clock, .concurrent_orders = 1});
  manager.configure({wanted}, {{"ca", issuer}});
  manager.start(store.reporter("issuers"));
  renewal_info.wait_until_asked();
  const auto revoked = manager.revoke(wanted.name, {}, {});
  renewal_info.answer();
  ASSERT_TRUE(revoked) << revoked.error().what;
  for (int i = 0; i < 4000 && ca.requests("/order").empty(); ++i) base::wait_for(5ms, {});
  EXPECT_EQ(ca.requests("/order").size(), 1U) << "what is revoked is got anew";
  clock.advance(1min);
  store.tick();
  EXPECT_EQ(store.index()->find(wanted.name), nullptr) << "and not served";
}

}  // namespace
}  // namespace acme
