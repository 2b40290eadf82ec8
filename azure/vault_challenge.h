// The challenge of a vault (401, WWW-Authenticate: Bearer): for what resource it wants a token. Checked before one is
// sent, so that nobody who stands in a vault's place gets a token that is good at the vault.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace azure {

struct VaultChallenge {
  std::string tenant;    // of `authorization`; empty: it names none
  std::string resource;  // "https://vault.azure.net", of `resource` or of `scope`
};

// `header` is controlled by the server. Errors: `protocol`, if it is no such challenge.
[[nodiscard]] base::Result<VaultChallenge> vault_challenge_in(std::string_view header);

// Whether a token for `scope` may be sent to `vault_url`: it is what the vault asks for, and the vault is of that
// resource (its host ends with it), or on this very machine. Errors: `refused`.
[[nodiscard]] base::Result<void> check_challenge(const VaultChallenge& challenge, std::string_view vault_url,
                                                 std::string_view scope);

}  // namespace azure
