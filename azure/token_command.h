// A program that prints tokens: for local use, with the Azure CLI.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "azure/identity.h"

namespace azure {

// Called without a shell, with the environment of this process and the scope as one more argument; 30 s at most. It
// prints a token, or JSON as `az account get-access-token` does.
[[nodiscard]] std::shared_ptr<Identity> make_token_command(std::vector<std::string> command, IdentityOptions options);

}  // namespace azure
