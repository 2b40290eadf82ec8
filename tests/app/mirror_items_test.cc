#include "app/mirror_items.h"

#include <gtest/gtest.h>

#include "tests/app/observed.h"

namespace app {
namespace {

using azure::MirrorItem;
using std::chrono::days;

class MirrorItems : public testing::Test {
 protected:
  // One that the store holds; it is shown for the names in `shown_for`.
  certstore::CertificatePtr hold(const std::string& id, test::LeafOptions options,
                                 const std::vector<std::string>& shown_for) {
    const test::Minted minted = gateway_.authority.issue(options);
    auto certificate = *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
    certstore::CertificateStatus status;
    status.source = "files";
    status.id = id;
    status.certificate = certificate;
    if (!shown_for.empty()) status.serving = certificate;
    gateway_.seen.certificates.push_back(status);
    for (const std::string& name : shown_for) {
      const certstore::CertPair* const before = gateway_.snapshot.certificates->exact(name);
      certstore::CertPair pair = before == nullptr ? certstore::CertPair() : *before;
      (certificate->facts().key_type == certstore::KeyType::rsa ? pair.rsa : pair.ecdsa) = certificate;
      gateway_.snapshot.certificates =
          std::make_shared<certstore::CertIndex>(gateway_.snapshot.certificates->with(name, pair));
    }
    return certificate;
  }
  void issue(const std::string& name, std::vector<certstore::CertificatePtr> certificates) {
    acme::ManagedCertificate managed;
    managed.name = name;
    managed.hosts = {name};
    managed.certificates = std::move(certificates);
    gateway_.seen.managed.push_back(managed);
  }
  std::vector<MirrorItem> items(std::vector<config::MirroredCertificate> certificates) {
    config::KeyVaultMirror vault;
    vault.vault = "v";
    vault.certificates = std::move(certificates);
    return mirror_items({vault}, gateway_.observe());
  }
  MirrorItem item(const std::string& certificate) {
    const auto all = items({{certificate, ""}});
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }

  Observed gateway_;
};

TEST_F(MirrorItems, TellOfANameThatNobodyHas) {
  const MirrorItem typo = item("typo.example.com");
  EXPECT_EQ(typo.certificate_name, "typo.example.com");
  EXPECT_EQ(typo.certificate, nullptr);
  EXPECT_EQ(typo.refusal, "there is no certificate of this name, and none is shown for it");
}

TEST_F(MirrorItems, TellWhyACertificateIsNotMirrored) {
  hold("old",
       {.names = {"old.example.com"},
        .not_before = gateway_.seen.now - days(90),
        .not_after = gateway_.seen.now - days(1)},
       {"old.example.com"});
  hold("unused", {.names = {"unused.example.com"}}, {});
  issue("new.example.com", {});
  gateway_.seen.managed.back().problem = "rateLimited";
  EXPECT_EQ(item("old.example.com").refusal, "it expired at 2025-12-31T00:00:00Z");
  EXPECT_NE(item("old.example.com").certificate, nullptr) << "so that it stands beside the certificate in `certs`";
  EXPECT_EQ(item("unused").refusal, "it is shown for no name");
  EXPECT_EQ(item("new.example.com").refusal, "nothing was issued yet: rateLimited");
}

TEST_F(MirrorItems, HoldForAHostWhatItsClientsAreShown) {
  hold("a-old", {.names = {"www.example.com", "other.example.com"}}, {"other.example.com"});
  const auto shown = hold("b-new", {.names = {"www.example.com"}}, {"www.example.com"});
  EXPECT_EQ(item("www.example.com").certificate, shown);
  EXPECT_EQ(item("WWW.example.com").certificate, shown);
  EXPECT_EQ(item("www.example.com").refusal, "");
}

// Somebody's Secret may list any host; it is shown only where it may be.
TEST_F(MirrorItems, AreNotTakenFromWhoeverListsTheHost) {
  const auto owners = hold("bank/tls", {.names = {"www.bank.example"}}, {"www.bank.example"});
  hold("evil/tls", {.names = {"www.bank.example", "evil.example"}, .key = test::KeyKind::rsa_2048}, {"evil.example"});
  EXPECT_EQ(item("www.bank.example").certificate, owners);
  EXPECT_EQ(item("bank/tls").certificate, owners);
}

TEST_F(MirrorItems, PreferRsaAmongThoseThatAreGood) {
  const auto ecdsa = hold("e", {.names = {"www.example.com"}}, {"www.example.com"});
  const auto rsa = hold("r", {.names = {"www.example.com"}, .key = test::KeyKind::rsa_2048}, {"www.example.com"});
  EXPECT_EQ(item("www.example.com").certificate, rsa);
  const auto expired = hold("x",
                            {.names = {"www.example.com"},
                             .key = test::KeyKind::rsa_2048,
                             .not_before = gateway_.seen.now - days(90),
                             .not_after = gateway_.seen.now - days(1)},
                            {});
  issue("www.example.com", {expired, ecdsa});
  const auto all = items({});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].certificate, ecdsa);
}

TEST_F(MirrorItems, AreBothRefusedWhereTheyWouldShareAName) {
  hold("1", {.names = {"a.example.com"}}, {"a.example.com"});
  hold("2", {.names = {"b.example.com"}}, {"b.example.com"});
  const auto all = items({{"a.example.com", "Site"}, {"b.example.com", "site"}});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].refusal.find("b.example.com would be called site there too"), std::string::npos);
  EXPECT_NE(all[1].refusal.find("a.example.com would be called Site there too"), std::string::npos);
}

TEST_F(MirrorItems, AreBothRefusedWhereNamesOfNamespacesMeet) {
  issue("team/www-tls", {hold("1", {.names = {"a.example.com"}}, {"a.example.com"})});
  issue("team-www/tls", {hold("2", {.names = {"b.example.com"}}, {"b.example.com"})});
  config::ApplicationGatewayMirror to;
  const auto all = mirror_items({to}, gateway_.observe());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].refusal, "");
  EXPECT_NE(all[1].refusal, "");
}

TEST_F(MirrorItems, DoNotHoldWhatStandsInForAnotherCertificate) {
  hold("www.example.com until it is issued", {.names = {"www.example.com"}}, {"www.example.com"});
  gateway_.seen.certificates.back().source = "issuers";
  issue("www.example.com", {});
  EXPECT_EQ(item("www.example.com").refusal, "nothing was issued yet");
}

TEST(OnlyNameThere, IsThatOfTheOneThatIsConfigured) {
  config::ApplicationGatewayMirror to;
  EXPECT_EQ(only_name_there(to), "") << "whatever is issued";
  to.certificates = {{"www.example.com", ""}};
  EXPECT_EQ(only_name_there(to), "sekisho-www.example.com");
  to.certificates = {{"www.example.com", "ours"}};
  EXPECT_EQ(only_name_there(to), "ours");
  to.certificates.push_back({"shop.example.com", ""});
  EXPECT_EQ(only_name_there(to), "");
}

}  // namespace
}  // namespace app
