// Endpoints: where Entra, Azure Resource Manager and the vaults of one cloud are, and for whom tokens are asked.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/azure.h"

namespace azure {

// URLs without a slash at the end. Immutable.
struct Endpoints {
  std::string authority;         // "https://login.microsoftonline.com"
  std::string resource_manager;  // "https://management.azure.com"
  std::string resource_manager_scope;
  std::string key_vault_suffix;  // "vault.azure.net"
  std::string key_vault_scope;   // "https://vault.azure.net/.default"
  std::string metadata;          // "http://169.254.169.254"
  std::string ca_pem;            // all that are trusted, the system's among them; empty: the system's alone

  // "https://my-vault.vault.azure.net" of the vault's name, or of its URL as it is.
  [[nodiscard]] std::string vault_url(std::string_view vault) const;
};

// Those of the configuration, $AZURE_AUTHORITY_HOST, and those of the cloud, in this order. Reads the file of CAs.
// Errors: that file. Blocking.
[[nodiscard]] base::Result<Endpoints> endpoints_of(const config::Azure& azure);
// The same of another cloud than the configured one: nothing of the configuration but its CAs is for it.
[[nodiscard]] base::Result<Endpoints> endpoints_of(const config::Azure& azure, config::AzureCloud cloud);

}  // namespace azure
