// Events of Key Vault that Event Grid delivers to the admin endpoint: they shorten the poll, and tell nothing else.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace app {

struct VaultEvents {
  struct Changed {
    std::string vault;   // URL: "https://my-vault.vault.azure.net"
    std::string object;  // the certificate's or secret's name
  };
  std::string validation_code;  // of the handshake that a new subscription begins with; empty: it is none
  std::vector<Changed> changed;
};

// The body of a delivery: a list of at most 1,000 events in Event Grid's own schema or as CloudEvents 1.0, or one
// CloudEvent. Those that concern no version of a certificate or secret are left out. `body` is attacker controlled, of
// bounded size. Errors: `invalid`.
[[nodiscard]] base::Result<VaultEvents> vault_events_from(std::string_view body);

}  // namespace app
