// The kinds of other tools that say what of an Azure Key Vault is in which Secret, as this server has them.
#pragma once

#include <stop_token>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/access.h"
#include "kube/resource.h"

namespace kube {

// External Secrets' kinds in the version that the server has: v1, or v1beta1 where it has only that, as of now. Where
// it cannot be asked, or has neither, v1. Blocking, ten seconds at most.
[[nodiscard]] std::vector<Resource> key_vault_kinds(Access& access, const std::stop_token& stop);

// Takes out of an object all but its name, its age and its spec.
void keep_spec(nlohmann::json& object);

}  // namespace kube
