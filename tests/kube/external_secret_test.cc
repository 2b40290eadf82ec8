#include "kube/external_secret.h"

#include <gtest/gtest.h>

#include <string>

namespace kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Kind = config::KeyVaultCertificate::Kind;

json entry(const std::string& secret_key, const std::string& key = "site", const json& more = json::object()) {
  json ref{{"key", key}};
  ref.update(more);
  return {{"secretKey", secret_key}, {"remoteRef", ref}};
}
json external(const json& changes = json::object()) {
  json spec{{"secretStoreRef", {{"name", "azure"}}}, {"data", {entry("tls.crt"), entry("tls.key")}}};
  spec.merge_patch(changes);
  return {{"metadata", {{"name", "web-tls"}, {"namespace", "shop"}}}, {"spec", spec}};
}
json with_template(const json& changes = json::object()) {
  json object =
      external({{"data", json::array({entry("pfx")})}, {"target", {{"template", {{"type", "kubernetes.io/tls"}}}}}});
  object["spec"].merge_patch(changes);
  return object;
}
json store(const json& azure = json::object(), const json& more = json::object()) {
  json provider{{"vaultUrl", "https://my-vault.vault.azure.net/"}, {"authType", "WorkloadIdentity"}};
  provider.merge_patch(azure);
  json spec{{"provider", {{"azurekv", provider}}}};
  spec.update(more);
  return {{"metadata", {{"name", "azure"}, {"namespace", "shop"}}}, {"spec", spec}};
}
VaultClaim claim_of(const json& object, const json& given = store()) {
  const auto secret = read_external_secret(object);
  EXPECT_TRUE(secret);
  const auto read = read_secret_store(resources::secret_stores, given);
  EXPECT_TRUE(read);
  return secret && read ? claim_of(*secret, &*read) : VaultClaim{};
}
std::string problem_of(const json& object) {
  return claim_of(object).problem;
}
std::string problem_of_store(const json& azure, const json& more = json::object()) {
  return claim_of(external(), store(azure, more)).problem;
}

TEST(ExternalSecret, SaysWhatIsWrong) {
  EXPECT_EQ(problem_of(external({{"secretStoreRef", nullptr}})),
            "spec.secretStoreRef: found nothing, expected a mapping");
  EXPECT_TRUE(problem_of(external({{"secretStoreRef", {{"kind", "Fake"}}}})).starts_with("spec.secretStoreRef.kind"));
  EXPECT_TRUE(
      problem_of(external({{"data", {entry("tls.crt"), entry("tls.key", "other")}}})).contains("the same object"));
  EXPECT_TRUE(
      problem_of(external({{"data", {entry("tls.crt"), entry("tls.key", "key/site")}}})).contains("found `key/site`"));
  EXPECT_TRUE(problem_of(external({{"data", {entry("tls.crt"), entry("tls.key", "../x")}}})).contains("remoteRef.key"));
  EXPECT_TRUE(problem_of(external({{"data", {entry("tls.crt", "site", {{"property", "p"}}), entry("tls.key")}}}))
                  .starts_with("spec.data[0].remoteRef.property: found `p`"));
  EXPECT_TRUE(problem_of(external({{"refreshInterval", "soon"}})).starts_with("spec.refreshInterval: found `soon`"));
  EXPECT_TRUE(problem_of(with_template({{"data", nullptr}})).starts_with("spec.data: found nothing"));
  EXPECT_TRUE(problem_of(with_template({{"data", nullptr}, {"dataFrom", json::array({{{"find", json::object()}}})}}))
                  .starts_with("spec.dataFrom[0]"));
}

TEST(ExternalSecret, SaysWhatIsWrongWithItsStore) {
  EXPECT_EQ(claim_of(*read_external_secret(external()), nullptr).problem,
            "spec.secretStoreRef: found SecretStore shop/azure, expected one that is there");
  EXPECT_TRUE(problem_of_store({{"authType", nullptr}})
                  .starts_with("SecretStore shop/azure: spec.provider.azurekv.authType: found nothing, which is"));
  EXPECT_TRUE(problem_of_store({{"authType", "ServicePrincipal"}}).contains("found `ServicePrincipal`"));
  EXPECT_TRUE(problem_of_store({{"authSecretRef", json::object()}}).contains("authSecretRef"));
  EXPECT_TRUE(problem_of_store({{"vaultUrl", nullptr}}).contains("vaultUrl: found nothing"));
  EXPECT_TRUE(problem_of_store({{"vaultUrl", "http://127.0.0.1:1"}}).contains("vaultUrl: found"));
  EXPECT_TRUE(problem_of_store({{"environmentType", "AzureStackCloud"}}).contains("environmentType"));
  const VaultClaim foreign = claim_of(external(), {{"metadata", {{"name", "azure"}, {"namespace", "shop"}}},
                                                   {"spec", {{"provider", {{"vault", {}}}}}}});
  EXPECT_EQ(foreign.concern, VaultClaim::Concern::foreign);
  EXPECT_TRUE(foreign.problem.contains("expected `azurekv`"));
}

TEST(ExternalSecret, IsKeptOutByTheConditionsOfAStore) {
  const auto with = [](const json& conditions) {
    return problem_of_store(json::object(), {{"conditions", conditions}});
  };
  EXPECT_TRUE(
      with(json::array({{{"namespaces", json::array({"media"})}}})).contains("none that names the namespace shop"));
  EXPECT_TRUE(with(json::array({{{"namespaceSelector", json::object()}}})).contains("selectors"));
  EXPECT_EQ(with(json::array({{{"namespaces", json::array({"media"})}}, {{"namespaces", json::array({"shop"})}}})), "");
}

TEST(ExternalSecret, IsNotOurMatterWithoutATlsSecret) {
  EXPECT_FALSE(read_external_secret(json()));
  EXPECT_FALSE(read_external_secret(external({{"data", json::array({entry("password")})}})));
  EXPECT_FALSE(read_external_secret(external({{"target", {{"creationPolicy", "None"}}}})));
}

TEST(ExternalSecret, SaysWhereTheCertificateIs) {
  const VaultClaim claim = claim_of(external({{"refreshInterval", "1h30m"}}));
  EXPECT_EQ(claim.problem, "");
  EXPECT_EQ(claim.secret, (ObjectName{"shop", "web-tls"}));
  EXPECT_EQ(claim.object.kind, "ExternalSecret");
  EXPECT_EQ(claim.read, (VaultRead{.vault = "https://my-vault.vault.azure.net", .object = "site", .poll = 90min}));
  EXPECT_EQ(claim_of(external({{"target", {{"name", "other"}}}})).secret.name, "other");
}

TEST(ExternalSecret, ReadsEachFormOfAPair) {
  // As External Secrets' own guide has it: a PFX that a template takes apart.
  EXPECT_EQ(claim_of(with_template()).read.object, "site");
  const json parts{
      {"template", {{"data", {{"tls.crt", "{{ .pfx | pkcs12cert }}"}, {"tls.key", "{{ .pfx | pkcs12key }}"}}}}}};
  EXPECT_EQ(claim_of(external({{"data", json::array({entry("pfx")})}, {"target", parts}})).read.object, "site");
  EXPECT_EQ(claim_of(with_template({{"data", nullptr}, {"dataFrom", json::array({{{"extract", {{"key", "site"}}}}})}}))
                .read.object,
            "site");
  const auto mixed = claim_of(external({{"data", {entry("tls.crt", "cert/site"), entry("tls.key", "secret/site")}}}));
  EXPECT_EQ(mixed.read.kind, Kind::secret);
  const auto pinned =
      claim_of(with_template({{"data", json::array({entry("pfx", "cert/site", {{"version", "v1"}})})}}));
  EXPECT_EQ(pinned.read.kind, Kind::certificate);
  EXPECT_EQ(pinned.read.version, "v1");
}

TEST(ExternalSecret, TakesTenantIdentityAndCloudFromItsStore) {
  const auto claim = claim_of(external(), store({{"tenantId", "t-1"},
                                                 {"authType", "ManagedIdentity"},
                                                 {"identityId", "c-1"},
                                                 {"environmentType", "ChinaCloud"}}));
  EXPECT_EQ(claim.read.identity, (config::AzureOtherIdentity{"t-1", "c-1"}));
  EXPECT_EQ(claim.read.cloud, config::AzureCloud::china);
}

}  // namespace
}  // namespace kube
