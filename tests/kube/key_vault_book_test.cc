#include "kube/key_vault_book.h"

#include <gtest/gtest.h>

#include "tests/kube/cluster_objects.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using nlohmann::json;
using test::Cluster;

const ObjectName web_tls{"default", "web-tls"};

json a_class(const std::string& name, const std::string& object, int age = 10) {
  json secret{{"secretName", "web-tls"}, {"type", "kubernetes.io/tls"}, {"data", json::array()}};
  for (const char* key : {"tls.crt", "tls.key"}) secret["data"].push_back({{"objectName", object}, {"key", key}});
  return {{"metadata", test::metadata(name, "default", age)},
          {"spec",
           {{"provider", "azure"},
            {"parameters", {{"keyvaultName", "my-vault"}, {"objects", "array: ['objectName: " + object + "']"}}},
            {"secretObjects", json::array({secret})}}}};
}
json external(int age = 10) {
  return {{"metadata", test::metadata("e", "default", age)},
          {"spec",
           {{"secretStoreRef", {{"name", "azure"}}},
            {"target", {{"name", "web-tls"}, {"template", {{"type", "kubernetes.io/tls"}}}}},
            {"dataFrom", json::array({{{"extract", {{"key", "of-external"}}}}})}}}};
}
json store(const std::string& provider = "azurekv") {
  return {{"metadata", test::metadata("azure")},
          {"spec",
           {{"provider",
             {{provider, {{"vaultUrl", "https://my-vault.vault.azure.net"}, {"authType", "WorkloadIdentity"}}}}}}}};
}

// What the book says of web-tls since it was last asked.
std::string told(KeyVaultBook& book) {
  const auto changed = book.take();
  const auto found = changed.find(web_tls);
  if (found == changed.end()) return "nothing new";
  if (!found->second) return "gone";
  return found->second->problem.empty() ? found->second->read.object : found->second->problem;
}

TEST(KeyVaultBook, SaysWhatAStoreLacksUntilItIsThere) {
  KeyVaultBook book;
  book.upsert(resources::external_secrets, external());
  EXPECT_TRUE(told(book).contains("expected one that is there"));
  book.upsert(resources::secret_stores, store());
  EXPECT_EQ(told(book), "of-external");
  book.upsert(resources::secret_stores, store("vault"));
  EXPECT_TRUE(told(book).contains("expected `azurekv`"));
  book.remove(resources::secret_stores, {"default", "azure"});
  EXPECT_TRUE(told(book).contains("expected one that is there"));
  book.remove(resources::external_secrets, {"default", "e"});
  EXPECT_EQ(told(book), "gone");
  book.upsert(resources::secret_stores, store());
  EXPECT_EQ(told(book), "nothing new");
}

TEST(KeyVaultBook, BelievesTheOldestObject) {
  KeyVaultBook book;
  book.upsert(resources::secret_stores, store());
  book.upsert(resources::secret_provider_classes, a_class("c", "of-class", 10));
  EXPECT_EQ(told(book), "of-class");
  book.upsert(resources::external_secrets, external(5));
  EXPECT_EQ(told(book), "of-class");
  book.upsert(resources::external_secrets, external(20));
  EXPECT_EQ(told(book), "of-external");
  book.remove(resources::external_secrets, {"default", "e"});
  EXPECT_EQ(told(book), "of-class");
  book.upsert(resources::secret_provider_classes, a_class("c", "of-class", 10));
  EXPECT_EQ(told(book), "nothing new");
}

// ---- With Ingresses and Secrets

class VaultsOfCluster : public testing::Test {
 protected:
  VaultsOfCluster() {
    json made = test::ingress(test::metadata("web"), {test::rule("a.example", {test::path_to("/", "s")})});
    made["spec"]["tls"] = json::array({{{"hosts", json::array({"a.example"})}, {"secretName", "web-tls"}}});
    cluster.add_app("s").add_ingress(made);
  }
  void add(const json& object) { cluster.add(resources::secret_provider_classes, object); }
  // After a take(): the vault of web-tls.
  std::string vault() {
    (void)cluster.take();
    const VaultChanges changes = cluster.translator.take_vaults();
    const auto found = changes.find(web_tls);
    if (found == changes.end()) return "nothing new";
    if (!found->second) return "gone";
    EXPECT_EQ(found->second->hosts, std::vector<std::string>{"a.example"});
    return found->second->claim.problem.empty() ? found->second->claim.read.object : found->second->claim.problem;
  }
  void fill_secret() {
    const test::Minted pair = test::self_signed({.names = {"a.example"}});
    cluster.add_secret(test::tls_secret("web-tls", pair.chain_pem(), pair.key_pem()));
  }
  Cluster cluster;
};

TEST_F(VaultsOfCluster, TellTheIngressWhatIsWrong) {
  json broken = a_class("c", "site");
  broken["spec"]["parameters"].erase("keyvaultName");
  add(broken);
  EXPECT_EQ(vault(), "spec.parameters.keyvaultName: found nothing, expected text");
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"InvalidKeyVaultObject default/web", "SecretNotFound default/web"}));
  add(a_class("c", "site"));
  EXPECT_EQ(vault(), "site");
  EXPECT_EQ(cluster.notices(), std::vector<std::string>());
}

TEST_F(VaultsOfCluster, StandInForASecretThatNobodyFills) {
  EXPECT_TRUE(cluster.take().secrets.contains(web_tls));
  add(a_class("c", "site"));
  const Changes changes = cluster.take();
  EXPECT_TRUE(changes.secrets_gone.contains(web_tls));
  EXPECT_TRUE(cluster.translator.take_vaults().at(web_tls));
  EXPECT_EQ(cluster.notices(), std::vector<std::string>());
  fill_secret();
  const Changes filled = cluster.take();
  EXPECT_TRUE(filled.secrets.at(web_tls).certificate);
  EXPECT_TRUE(cluster.translator.take_vaults().at(web_tls)->secret_is_good);
}

TEST_F(VaultsOfCluster, OfASecretThatNoIngressNamesAreNotRead) {
  add(a_class("c", "site"));
  EXPECT_EQ(vault(), "site");
  cluster.remove(resources::ingresses, "web");
  EXPECT_EQ(vault(), "gone");
  add(a_class("c", "other"));
  EXPECT_EQ(vault(), "nothing new");
}

TEST_F(VaultsOfCluster, WhoseObjectIsDeletedSayItUntilTheIngressOrASecretComes) {
  add(a_class("c", "site"));
  EXPECT_EQ(vault(), "site");
  cluster.remove(resources::secret_provider_classes, "c");
  EXPECT_EQ(vault(), "it is gone, or says nothing of this Secret any more");
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"InvalidKeyVaultObject default/web", "SecretNotFound default/web"}));
  fill_secret();
  EXPECT_EQ(vault(), "gone");
  EXPECT_EQ(cluster.notices(), std::vector<std::string>());
}

TEST_F(VaultsOfCluster, OfOtherProvidersAreLeftAloneWhereTheSecretIsGood) {
  json other = a_class("c", "site");
  other["spec"]["provider"] = "vault";
  fill_secret();
  add(other);
  EXPECT_EQ(vault(), "nothing new");
  EXPECT_EQ(cluster.notices(), std::vector<std::string>());
  cluster.remove(resources::secrets, "web-tls");
  EXPECT_EQ(vault(), "spec.provider: found `vault`, expected `azure`");
}

}  // namespace
}  // namespace kube
