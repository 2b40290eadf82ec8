#include "azure/key_vault_mirror.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "tests/azure/azure_script.h"
#include "tests/azure/gateway_examples.h"

namespace azure {
namespace {

using nlohmann::json;
using Reply = test::AzureScript::Reply;
using Request = test::AzureScript::Request;
using What = MirrorState::What;

class KeyVaultMirrors : public testing::Test {
 protected:
  KeyVaultMirrors() {
    item_ = {"www.example.com", "www", MirrorItem::Named::by_us, certificate_of(minted_)};
    azure_.reply("GET /secrets", Reply{.status = 401, .headers = {{"WWW-Authenticate", challenge}}});
    azure_.reply("POST /certificates/www/import",
                 [this](const Request& request) { return Reply{.body = imported(json::parse(request.body))}; });
  }
  static certstore::CertificatePtr certificate_of(const test::Minted& minted) {
    return *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
  }
  static test::Minted mint(int year) {
    return test::self_signed(
        {.names = {"www.example.com"}, .not_before = std::chrono::sys_days(std::chrono::year(year) / 1 / 1)});
  }
  static std::string bundle(const test::Minted& minted, const json& tags) {
    return json{{"cer", base::to_base64(test::der_of(minted.certificate.get()))},
                {"attributes", {{"enabled", true}}},
                {"tags", tags}}
        .dump();
  }
  std::string imported(const json& asked) {
    last_ = asked;
    const auto opened = certstore::Certificate::from_pfx(*base::from_base64(asked["value"].get<std::string>()),
                                                         asked["pwd"].get<std::string>());
    EXPECT_TRUE(opened);
    const std::string der = test::der_of((*opened)->material()->leaf.get());
    const std::string body = json{{"cer", base::to_base64(der)}, {"tags", asked["tags"]}}.dump();
    azure_.reply("GET /certificates/www/", {.body = body});
    return body;
  }
  MirrorOutcome::Finding keep() {
    if (!mirror_)
      mirror_ =
          std::make_unique<KeyVaultMirror>(azure_.services(), azure_.server.url(""), config::AzureOtherIdentity{});
    return mirror_->reconcile({item_}, {}).items["www"];
  }
  [[nodiscard]] std::size_t imports() const { return azure_.count("POST /certificates/www/import"); }

  static constexpr const char* challenge =
      R"(Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net")";
  test::AzureScript azure_;
  test::Minted minted_ = mint(2024);
  MirrorItem item_;
  json last_;
  std::unique_ptr<KeyVaultMirror> mirror_;
};

TEST_F(KeyVaultMirrors, SayThatANameIsTakenByWhatWasDeleted) {
  azure_.reply("POST /certificates/www/import",
               {.status = 409,
                .body = R"({"error":{"code":"Conflict","innererror":{"code":"ObjectIsDeletedButRecoverable"}}})"});
  const auto finding = keep();
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("recover or purge"), std::string::npos) << finding.problem;
}

TEST_F(KeyVaultMirrors, NameTheRoleThatIsMissing) {
  azure_.reply("GET /certificates/www/",
               {.status = 403, .body = R"({"error":{"code":"Forbidden","innererror":{"code":"ForbiddenByRbac"}}})"});
  const auto finding = keep();
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("Certificates Officer"), std::string::npos) << finding.problem;
}

TEST_F(KeyVaultMirrors, LeaveWhatSomebodyElseHasWritten) {
  azure_.reply("GET /certificates/www/", {.body = bundle(mint(2023), json::object())});
  EXPECT_EQ(keep().what, What::refused);
  EXPECT_EQ(imports(), 0U);
  item_.named = MirrorItem::Named::by_operator;
  EXPECT_EQ(keep().what, What::in_step) << "the operator has named it";
  EXPECT_EQ(imports(), 1U);
}

TEST_F(KeyVaultMirrors, LeaveWhatIsNewer) {
  azure_.reply("GET /certificates/www/", {.body = bundle(mint(2025), json::object({{"sekisho-fingerprint", "x"}}))});
  EXPECT_EQ(keep().what, What::refused);
  EXPECT_EQ(imports(), 0U);
}

TEST_F(KeyVaultMirrors, ImportACertificateOnce) {
  EXPECT_EQ(keep().what, What::in_step);
  EXPECT_EQ(keep().what, What::in_step);
  EXPECT_EQ(imports(), 1U) << "no new version for the same certificate";
  EXPECT_EQ(last_["tags"]["sekisho-fingerprint"], item_.certificate->fingerprint());
  EXPECT_EQ(last_["policy"]["key_props"]["exportable"], true);
  EXPECT_EQ(last_["policy"]["key_props"]["kty"], "EC");
  EXPECT_EQ(last_["policy"]["key_props"]["crv"], "P-256");
  EXPECT_EQ(last_["policy"]["lifetime_actions"][0]["action"]["action_type"], "EmailContacts")
      << "the vault renews nothing by itself";
}

TEST_F(KeyVaultMirrors, ImportANewVersionOfTheirOwn) {
  azure_.reply("GET /certificates/www/", {.body = bundle(mint(2022), json::object({{"sekisho-fingerprint", "x"}}))});
  EXPECT_EQ(keep().what, What::in_step);
  EXPECT_EQ(imports(), 1U);
}

}  // namespace
}  // namespace azure
