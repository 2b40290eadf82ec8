// From what an object of the cluster says of a vault to what is asked of it: where our token may go. Pure.
#pragma once

#include <chrono>
#include <string>

#include "base/error.h"
#include "config/azure.h"
#include "kube/vault_claim.h"

namespace app {

// How often whoever may write an object can have a vault asked.
inline constexpr std::chrono::seconds shortest_vault_poll{10};
inline constexpr std::chrono::hours longest_vault_poll{1};

// `suffix`: what the host names of our cloud's vaults end with. Errors: `refused`; the object's text is attacker
// controlled, and no token goes anywhere but to a vault of our cloud.
[[nodiscard]] base::Result<config::KeyVaultCertificate> vault_request(const kube::VaultRead& read,
                                                                      config::AzureCloud cloud,
                                                                      const std::string& suffix);

}  // namespace app
