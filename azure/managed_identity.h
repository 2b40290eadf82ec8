// Managed identity: tokens from the metadata service of the machine, or of what runs in its place.
#pragma once

#include <memory>
#include <string>

#include "azure/identity.h"

namespace azure {

// Which of the machine's identities; all empty: its only one.
struct ManagedIdentityName {
  std::string client_id;
  std::string resource_id;
};
[[nodiscard]] std::shared_ptr<Identity> make_managed_identity(ManagedIdentityName name, IdentityOptions options);

}  // namespace azure
