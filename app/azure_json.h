// What the configuration says of Azure, for /api/config: files by their names only, no argument of a program.
#pragma once

#include <vector>

#include "app/api.h"
#include "config/azure.h"

namespace app {

[[nodiscard]] Json azure_json(const config::Azure& azure);
[[nodiscard]] Json key_vault_json(const config::KeyVaultCertificate& vault);
[[nodiscard]] Json mirrors_json(const std::vector<config::Mirror>& mirrors);

}  // namespace app
