#include "kube/secret_provider_class.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace kube {
namespace {

using nlohmann::json;
using Kind = config::KeyVaultCertificate::Kind;

constexpr auto pair_of_site = "array:\n  - |\n    objectName: site\n    objectType: secret\n";

json parameters(const json& changes = json::object()) {
  json all{{"keyvaultName", "my-vault"}, {"tenantId", "t-1"}, {"clientID", "c-1"}, {"objects", pair_of_site}};
  all.merge_patch(changes);
  return all;
}
json tls_secret(const std::string& certificate = "site", const std::string& key = "site") {
  return {{"secretName", "web-tls"},
          {"type", "kubernetes.io/tls"},
          {"data", {{{"objectName", certificate}, {"key", "tls.crt"}}, {{"objectName", key}, {"key", "tls.key"}}}}};
}
json a_class(const json& given = parameters(), const json& secrets = json::array({tls_secret()})) {
  return {{"metadata", {{"name", "tls"}, {"namespace", "shop"}}},
          {"spec", {{"provider", "azure"}, {"parameters", given}, {"secretObjects", secrets}}}};
}
VaultClaim only(const json& object) {
  const auto claims = vault_claims_of_class(object);
  EXPECT_EQ(claims.size(), 1U);
  return claims.empty() ? VaultClaim{} : claims.front();
}
std::string problem_of(const json& changes) {
  return only(a_class(parameters(changes))).problem;
}

TEST(SecretProviderClass, SaysWhatIsWrongAndOfWhichSecret) {
  EXPECT_EQ(problem_of({{"keyvaultName", nullptr}}), "spec.parameters.keyvaultName: found nothing, expected text");
  EXPECT_TRUE(
      problem_of({{"keyvaultName", "evil.example.com/x"}}).starts_with("spec.parameters.keyvaultName: found `evil"));
  EXPECT_TRUE(problem_of({{"keyvaultName", "https://evil.example.com"}}).contains("expected the name of a vault"));
  EXPECT_TRUE(problem_of({{"usePodIdentity", "true"}}).contains("AAD Pod Identity is gone"));
  EXPECT_TRUE(problem_of({{"cloudName", "Moon"}}).starts_with("spec.parameters.cloudName: found `Moon`"));
  EXPECT_TRUE(problem_of({{"clientID", "<CLIENT>"}}).starts_with("spec.parameters.clientID"));
  EXPECT_TRUE(problem_of({{"tenantId", "a/../b"}}).starts_with("spec.parameters.tenantId"));
  EXPECT_TRUE(problem_of({{"objects", nullptr}}).starts_with("spec.parameters.objects: found nothing"));
  EXPECT_TRUE(problem_of({{"objects", "["}}).starts_with("spec.parameters.objects: found something else"));
  EXPECT_TRUE(problem_of({{"objects", "array: ['[']"}}).starts_with("spec.parameters.objects"));
  EXPECT_TRUE(problem_of({{"objects", "array: ['objectName: other']"}}).contains("found `site`, expected a name or"));
  EXPECT_EQ(only(a_class(parameters({{"cloudName", "Moon"}}))).secret, (ObjectName{"shop", "web-tls"}));
}

TEST(SecretProviderClass, WantsBothKeysOfOneObjectThatHasAPrivateKey) {
  const json two{{"objects", "array: ['objectName: a', 'objectName: b', '{objectName: k, objectType: key}']"}};
  const auto problem = [&](const json& secret) {
    return only(a_class(parameters(two), json::array({secret}))).problem;
  };
  EXPECT_TRUE(problem(tls_secret("a", "b")).contains("expected tls.crt and tls.key of the same object"));
  EXPECT_TRUE(problem(tls_secret("k", "k")).contains("objectType `key`"));
  json alone = tls_secret("a", "a");
  alone["data"].erase(1);
  EXPECT_TRUE(problem(alone).contains("expected tls.crt and tls.key"));
  json nameless = tls_secret("a", "a");
  nameless.erase("secretName");
  EXPECT_TRUE(vault_claims_of_class(a_class(parameters(two), json::array({nameless}))).empty());
  const json odd{{"objects", "array: ['objectName: \"../x\"']"}};
  EXPECT_TRUE(
      only(a_class(parameters(odd), json::array({tls_secret("../x", "../x")}))).problem.contains("names in a vault"));
}

TEST(SecretProviderClass, OfAnotherProviderIsForeign) {
  json other = a_class();
  other["spec"]["provider"] = "vault";
  EXPECT_EQ(only(other).concern, VaultClaim::Concern::foreign);
  EXPECT_EQ(only(other).problem, "spec.provider: found `vault`, expected `azure`");
}

TEST(SecretProviderClass, IsNotOurMatterWithoutATlsSecret) {
  EXPECT_TRUE(vault_claims_of_class(json()).empty());
  EXPECT_TRUE(vault_claims_of_class({{"metadata", {{"name", "a"}}}, {"spec", 1}}).empty());
  EXPECT_TRUE(vault_claims_of_class(a_class(parameters({{"cloudName", "Moon"}}), json::array())).empty());
  const json password{
      {"secretName", "p"}, {"type", "Opaque"}, {"data", json::array({{{"objectName", "site"}, {"key", "password"}}})}};
  EXPECT_TRUE(vault_claims_of_class(a_class(parameters(), json::array({password}))).empty());
}

TEST(SecretProviderClass, HasAtMostAHundredSecrets) {
  json many = json::array();
  for (std::size_t i = 0; i < most_vault_claims + 20; ++i) {
    many.push_back(tls_secret());
    many.back()["secretName"] = "tls-" + std::to_string(i);
  }
  EXPECT_EQ(vault_claims_of_class(a_class(parameters(), many)).size(), most_vault_claims);
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    laughs += fmt::format("{0}: &{0} [*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1}]\n", c, static_cast<char>(c - 1));
  }
  EXPECT_TRUE(problem_of({{"objects", laughs}}).starts_with("spec.parameters.objects"));
}

TEST(SecretProviderClass, SaysWhereTheCertificateIs) {
  const VaultClaim claim = only(a_class());
  EXPECT_EQ(claim.problem, "");
  EXPECT_EQ(claim.object.kind, "SecretProviderClass");
  EXPECT_EQ(claim.secret, (ObjectName{"shop", "web-tls"}));
  EXPECT_EQ(claim.read,
            (VaultRead{.vault = "my-vault", .object = "site", .kind = Kind::secret, .identity = {"t-1", "c-1"}}));
}

TEST(SecretProviderClass, FindsObjectsByAliasAndByName) {
  // As the guide has it: two aliases of one object, and a Secret that calls it by its own name.
  const json by_alias{
      {"objects",
       "array:\n  - |\n    objectName: site\n    objectType: cert\n    objectAlias: tls.crt\n    "
       "objectVersion: abc\n  - |\n    objectName: site\n    objectType: cert\n    objectAlias: tls.key\n"
       "    objectVersion: abc\n"},
      {"cloudName", "AzureUSGovernmentCloud"},
      {"userAssignedIdentityID", "c-2"}};
  for (const char* name : {"site", "tls.crt"}) {
    const VaultClaim claim = only(a_class(parameters(by_alias), json::array({tls_secret(name, name)})));
    EXPECT_EQ(claim.problem, "");
    EXPECT_EQ(claim.read, (VaultRead{.vault = "my-vault",
                                     .object = "site",
                                     .kind = Kind::certificate,
                                     .version = "abc",
                                     .identity = {"t-1", "c-2"},
                                     .cloud = config::AzureCloud::us_government}));
  }
  json opaque = tls_secret();
  opaque["type"] = "Opaque";
  EXPECT_EQ(only(a_class(parameters(), json::array({opaque}))).problem, "");
}

}  // namespace
}  // namespace kube
