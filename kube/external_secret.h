// ExternalSecret, SecretStore and ClusterSecretStore (external-secrets.io), as far as they make TLS Secrets of what an
// Azure Key Vault holds. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/vault_claim.h"

namespace kube {

// What an ExternalSecret names.
struct StoreRef {
  std::string kind = "SecretStore";
  ObjectName name;
  friend auto operator<=>(const StoreRef&, const StoreRef&) = default;
};

struct ExternalSecret {
  VaultClaim claim;  // without what the store says
  StoreRef store;
};

// None: it is about other things than a TLS Secret. `object` is attacker controlled.
[[nodiscard]] std::optional<ExternalSecret> read_external_secret(const nlohmann::json& object);

struct SecretStore {
  StoreRef name;
  VaultRead read;  // its vault, identity and cloud
  std::string problem;
  bool foreign = false;  // of another provider
  // Of a ClusterSecretStore, if it has conditions: the namespaces that they name.
  std::optional<std::vector<std::string>> only_for;
};

// `object` is attacker controlled. None: it has no name.
[[nodiscard]] std::optional<SecretStore> read_secret_store(const Resource& resource, const nlohmann::json& object);

// The whole claim; `store`: null, if there is none.
[[nodiscard]] VaultClaim claim_of(const ExternalSecret& secret, const SecretStore* store);

}  // namespace kube
