#include "app/issuer_findings.h"

#include <gtest/gtest.h>

#include "app/issuers_json.h"
#include "base/file.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace app {
namespace {

class IssuerFindings : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& content) {
    const auto path = folder.path() / name;
    EXPECT_TRUE(base::write_file_atomically(path, content));
    return path;
  }
  std::string errors() {
    std::string all;
    for (const base::Error& error : unreadable_issuer_files(config)) all += error.what + "\n";
    return all;
  }
  void expect_error(const std::string& expected) {
    const std::string all = errors();
    EXPECT_NE(all.find(expected), std::string::npos) << "in:\n" << all << "expected: " << expected;
  }

  test::ScratchFolder folder;
  config::Config config;
};

TEST_F(IssuerFindings, NameFilesThatAreMissing) {
  config::AcmeIssuer acme;
  acme.ca_certificates = folder.path() / "roots.pem";
  acme.account_key = folder.path() / "account.pem";
  acme.external_account = config::ExternalAccount{"kid", folder.path() / "eab.key"};
  acme.dns = config::DnsSolver{config::Rfc2136{.server = "ns:53", .secret_file = folder.path() / "tsig"}, {}, {}};
  config.issuers["public"] = acme;
  EXPECT_EQ(issuer_files(config).size(), 4U);
  EXPECT_EQ(unreadable_issuer_files(config).size(), 4U);
  for (const char* key : {"ca_certificates", "account_key", "hmac_key_file", "secret_file"}) {
    expect_error("issuer public: " + std::string(key) + ": ");
  }
}

TEST_F(IssuerFindings, SayWhatAFileDoesNotHoldWithoutSayingWhatItHolds) {
  const test::Minted leaf = test::self_signed({.names = {"a.example"}});
  config::AcmeIssuer acme;
  acme.ca_certificates = write("roots.pem", leaf.key_pem());
  acme.account_key = write("account.pem", leaf.chain_pem());
  acme.external_account = config::ExternalAccount{"kid", write("eab.key", "hunter2 hunter3")};
  config.issuers["public"] = acme;
  expect_error("no certificate in it");
  expect_error("not exactly one private key");
  expect_error("a secret that is not base64");
  EXPECT_EQ(errors().find("hunter"), std::string::npos);
}

TEST_F(IssuerFindings, RefuseACaWhoseKeyIsOfAnotherCertificate) {
  const test::Minted one = test::self_signed({.names = {"one.example"}});
  const test::Minted other = test::self_signed({.names = {"other.example"}});
  config.issuers["internal"] = config::CaIssuer{write("ca.crt", one.chain_pem()), write("ca.key", other.key_pem()), {}};
  expect_error("not the key of the first certificate in");
  write("ca.key", one.key_pem());
  EXPECT_EQ(errors(), "");
}

TEST_F(IssuerFindings, MissTheProgramThatMakesRecords) {
  config::AcmeIssuer acme;
  acme.dns = config::DnsSolver{config::DnsExec{.command = {(folder.path() / "hook").string()}}, {}, {}};
  config.issuers["public"] = acme;
  expect_error("no program that can be run");
}

TEST_F(IssuerFindings, LeaveOutWildcardsThatNobodyCanShowControlOver) {
  config.issuers["public"] = config::AcmeIssuer{};
  config::IssuedCertificate issued;
  issued.name = "www.example.com";
  issued.hosts = {"www.example.com", "*.example.com"};
  issued.issuer = "public";
  config.certificates.push_back({issued});
  ASSERT_EQ(names_left_out(config).size(), 1U);
  EXPECT_NE(names_left_out(config).front().find("wildcards are issued by DNS-01 only: *.example.com is left out"),
            std::string::npos)
      << names_left_out(config).front();
  EXPECT_EQ(certificates_to_get(config).at(0).hosts, std::vector<std::string>{"www.example.com"});
  std::get<config::IssuedCertificate>(config.certificates.front().from).challenge = config::ChallengeType::dns01;
  EXPECT_TRUE(names_left_out(config).empty());
  EXPECT_EQ(certificates_to_get(config).at(0).hosts, issued.hosts);
}

TEST_F(IssuerFindings, ShowFilesByTheirNamesAndArgumentsNotAtAll) {
  config::AcmeIssuer acme;
  acme.external_account = config::ExternalAccount{"kid", write("eab.key", "c2VjcmV0")};
  acme.dns = config::DnsSolver{config::DnsExec{.command = {"/hook", "--token=hunter2"}}, {}, {}};
  config.issuers["public"] = acme;
  const std::string text = issuers_json(config.issuers).dump();
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.find("c2VjcmV0"), std::string::npos);
  EXPECT_NE(text.find("eab.key"), std::string::npos);
}

}  // namespace
}  // namespace app
