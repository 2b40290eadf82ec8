#include "app/why.h"

#include <gtest/gtest.h>

#include "kube/secret_source.h"
#include "tests/app/observed.h"
#include "tests/support/scratch_folder.h"

namespace app {
namespace {

std::string told(const Json& why, const std::string& what) {
  std::string all;
  for (const Json& cause : why["causes"]) {
    if (cause["what"] == what) all += cause["text"].get<std::string>() + '\n';
  }
  return all;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Why, IsNotGoodBeforeAnythingIsServed) {
  Observed gateway;
  Observation seen = gateway.observe();
  seen.snapshot = nullptr;
  EXPECT_FALSE(why_json(seen, "www.example.com")["good"].get<bool>());
}

TEST(Why, TellsOfANameThatNobodyHasACertificateFor) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  const Json why = why_json(gateway.observe(), "nobody.test");
  EXPECT_FALSE(why["good"].get<bool>());
  EXPECT_TRUE(has(told(why, "handshake"), "no certificate is for nobody.test"));
  EXPECT_TRUE(has(told(why, "route"), "404"));
}

TEST(Why, TellsOfACertificateThatHasExpired) {
  Observed gateway;
  gateway.add_certificate("www.example.com", {.not_after = gateway.seen.now - std::chrono::hours(1)});
  EXPECT_FALSE(why_json(gateway.observe(), "www.example.com")["good"].get<bool>());
}

TEST(Why, TellsOfAPairForTheNameThatIsRefused) {
  Observed gateway;
  gateway.add_certificate("shop.example.com");
  const test::ScratchFolder folder;
  const auto pair = gateway.authority.issue({.names = {"www.example.com"}});
  folder.write("www.crt", pair.chain_pem());
  certstore::CertificateStatus refused;
  refused.source = "files www.crt";
  refused.id = "files:www.crt";
  refused.problem = "the key does not match";
  refused.file_path = (folder.path() / "www.crt").string();
  gateway.seen.certificates.push_back(refused);
  EXPECT_TRUE(has(told(why_json(gateway.observe(), "www.example.com"), "not shown"), "the key does not match"));
  const Json other = why_json(gateway.observe(), "nobody.test");
  EXPECT_EQ(told(other, "not shown") + told(other, "not read"), "") << "it is known for what it is";
}

TEST(Why, TellsOfSourcesThatWereNeverRead) {
  Observed gateway;
  gateway.add_certificate("shop.example.com");
  certstore::CertificateStatus unread;
  unread.source = "key vault https://my-vault.vault.azure.net app";
  unread.id = "app";
  unread.problem = "unreachable: no route";
  gateway.seen.certificates.push_back(unread);
  EXPECT_TRUE(has(told(why_json(gateway.observe(), "www.example.com"), "not read"), "unreachable: no route"));
  EXPECT_EQ(told(why_json(gateway.observe(), "shop.example.com"), "not read"), "") << "that one is good";
}

TEST(Why, DoesNotTakeTheLocalCasCertificateForAGoodOne) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.certificates.front().source = "issuers";
  gateway.seen.certificates.front().id = "www.example.com.ecdsa until it is issued";
  const Json why = why_json(gateway.observe(), "www.example.com");
  EXPECT_FALSE(why["good"].get<bool>());
  EXPECT_TRUE(has(told(why, "source"), "local CA"));
}

TEST(Why, RepeatsTheCasOwnWords) {
  Observed gateway;
  acme::ManagedCertificate managed;
  managed.name = "www.example.com";
  managed.hosts = {"*.example.com"};
  managed.issuer = "letsencrypt";
  managed.state = acme::ManagedCertificate::State::failed;
  managed.problem = "http-01: connection: refused";
  managed.failures = 3;
  managed.order = acme::OrderProgress{.step = acme::OrderProgress::Step::challenges,
                                      .issuer = "letsencrypt",
                                      .url = "https://ca.test/order/1",
                                      .status = "pending",
                                      .authorizations = {}};
  managed.order->authorizations.push_back({.identifier = {acme::Identifier::Type::dns, "www.example.com"},
                                           .wildcard = false,
                                           .status = "invalid",
                                           .challenge = config::ChallengeType::http01,
                                           .challenge_status = "invalid",
                                           .problem = "connection: refused"});
  gateway.seen.managed.push_back(managed);
  const Json why = why_json(gateway.observe(), "www.example.com");
  EXPECT_TRUE(has(told(why, "issuer"), "letsencrypt"));
  EXPECT_TRUE(has(told(why, "problem"), "failures since the last success: 3"));
  EXPECT_TRUE(has(told(why, "the CA says"), "connection: refused"));
}

TEST(Why, TellsOfTheCopiesOfASecret) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.certificates[0].source = kube::SecretSource::source_name;
  gateway.seen.certificates[0].id = "shop/web";
  using What = kube::MirrorState::What;
  gateway.seen.cluster.emplace().mirrors = {
      {.source = {"shop", "web"}, .target = {"media", "web"}, .what = What::in_step},
      {.source = {"shop", "web"}, .target = {"tv", "web"}, .what = What::refused, .problem = "not accepted"},
      {.source = {"shop", "other"}, .target = {"radio", "web"}}};
  const auto said = told(why_json(gateway.observe(), "www.example.com"), "mirror");
  EXPECT_TRUE(has(said, "media/web, the same since"));
  EXPECT_TRUE(has(said, "tv/web, not the same"));
  EXPECT_TRUE(has(said, "not accepted"));
  EXPECT_FALSE(has(said, "radio"));
}

TEST(Why, TellsOfAMirrorThatIsToHoldWhatNobodyHas) {
  Observed gateway;
  gateway.seen.mirrors = {{"key vault v",
                           {{"typo.example.com", "typo", azure::MirrorState::What::refused, "", {}, "none"},
                            {"b.example.com", "b", azure::MirrorState::What::refused, "", {}, "x"}}}};
  const auto said = told(why_json(gateway.observe(), "typo.example.com"), "mirror");
  EXPECT_TRUE(has(said, "key vault v, typo, not the same"));
  EXPECT_TRUE(has(said, "none"));
  EXPECT_FALSE(has(said, "b.example.com"));
}

TEST(Why, IsGoodWithAValidCertificateAndNamesSourceAndRoute) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  const Json why = why_json(gateway.observe(), "www.example.com");
  EXPECT_TRUE(why["good"].get<bool>());
  EXPECT_TRUE(has(told(why, "handshake"), "by its exact name"));
  EXPECT_TRUE(has(told(why, "source"), "files:www.example.com"));
  EXPECT_TRUE(has(told(why, "route"), "shop"));
  EXPECT_TRUE(has(told(why, "backend"), "1 of 1"));
}

}  // namespace
}  // namespace app
