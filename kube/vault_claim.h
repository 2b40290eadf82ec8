// VaultClaim: what an object of another tool says of one TLS Secret: which object of which Azure Key Vault it holds.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/azure.h"
#include "kube/metadata.h"
#include "kube/resource.h"

namespace kube {

namespace resources {
inline constexpr Resource secret_provider_classes{"secrets-store.csi.x-k8s.io", "v1", "secretproviderclasses",
                                                  "SecretProviderClass"};
inline constexpr Resource external_secrets{"external-secrets.io", "v1", "externalsecrets", "ExternalSecret"};
inline constexpr Resource secret_stores{"external-secrets.io", "v1", "secretstores", "SecretStore"};
inline constexpr Resource cluster_secret_stores{"external-secrets.io", "v1", "clustersecretstores",
                                                "ClusterSecretStore", Resource::Scope::cluster};
}  // namespace resources

namespace reasons {
inline constexpr auto invalid_vault_object = "InvalidKeyVaultObject";  // the last good certificate is kept
}  // namespace reasons

// Where in Azure it is. Each text has the form that Azure asks for; whether we go there is decided elsewhere.
struct VaultRead {
  std::string vault;  // its name, "my-vault", or the URL as it was written
  std::string object;
  config::KeyVaultCertificate::Kind kind = config::KeyVaultCertificate::Kind::secret;
  std::string version;  // empty: the newest
  config::AzureOtherIdentity identity;
  std::optional<config::AzureCloud> cloud;  // none: ours
  std::optional<std::chrono::milliseconds> poll;
  friend bool operator==(const VaultRead&, const VaultRead&) = default;
};

struct VaultClaim {
  ObjectName secret;
  ObjectRef object;  // that says it
  Seniority seniority;
  VaultRead read;       // without a problem
  std::string problem;  // "spec.parameters.keyvaultName: found nothing, expected text"; empty: none
  // Another tool's, and no mistake: nothing to tell as long as that tool fills the Secret.
  enum class Concern : std::uint8_t { ours, foreign } concern = Concern::ours;
  friend bool operator==(const VaultClaim&, const VaultClaim&) = default;
};

// A Secret that is shown for some hosts, and of which an object says what vault it is in.
struct ServedVault {
  VaultClaim claim;
  std::vector<std::string> hosts;  // as those of ServedSecret
  bool secret_is_good = false;     // somebody has filled the Secret
};

// By Secret; none: not wanted any more.
using VaultChanges = std::map<ObjectName, std::optional<ServedVault>>;

// Of one object; what goes beyond is left out. Whoever may write one may write one of 1.5 MiB.
inline constexpr std::size_t most_vault_claims = 100;

}  // namespace kube
