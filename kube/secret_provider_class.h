// SecretProviderClass (secrets-store.csi.x-k8s.io/v1), as far as it makes TLS Secrets of what an Azure Key Vault holds.
// Pure.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "kube/vault_claim.h"

namespace kube {

// One for each TLS Secret of spec.secretObjects; none where it is about other things. `object` is attacker controlled.
// secretObjects[].data[].objectName is an alias or a name of spec.parameters.objects.
[[nodiscard]] std::vector<VaultClaim> vault_claims_of_class(const nlohmann::json& object);

}  // namespace kube
