// What is to be seen of a source in a vault.
#pragma once

#include <string>

#include "azure/key_vault_source.h"

namespace app {

struct VaultView {
  std::string source;  // "key vault https://my-vault.vault.azure.net app-cert"
  azure::KeyVaultStatus status;
};

}  // namespace app
