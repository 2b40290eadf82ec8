// KeyVaultBook: which TLS Secrets the objects of the Secrets Store CSI driver and of External Secrets say are in a
// vault. One thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/external_secret.h"
#include "kube/vault_claim.h"

namespace kube {

class KeyVaultBook {
 public:
  // Kinds: SecretProviderClass, ExternalSecret, SecretStore, ClusterSecretStore; others are left alone.
  void upsert(const Resource& resource, const nlohmann::json& object);
  void remove(const Resource& resource, const ObjectName& name);

  // By Secret, what has changed since the last call; none: nobody says anything of it any more. Where several objects
  // speak of one Secret, the oldest is believed.
  [[nodiscard]] std::map<ObjectName, std::optional<VaultClaim>> take();

 private:
  // Kind, and namespace and name.
  using Speaker = std::pair<std::string, ObjectName>;

  void say(const Speaker& speaker, std::vector<VaultClaim> claims);
  void join(const ObjectName& external);
  void forget_store_of(const ObjectName& external);

  std::map<Speaker, std::vector<VaultClaim>> said_;
  std::map<ObjectName, std::set<Speaker>> speakers_;  // by Secret
  std::map<ObjectName, ExternalSecret> externals_;
  std::map<StoreRef, SecretStore> stores_;
  std::map<StoreRef, std::set<ObjectName>> users_;  // of stores, there or not
  std::set<ObjectName> touched_;
};

}  // namespace kube
