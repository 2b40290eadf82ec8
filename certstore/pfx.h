// PFX (PKCS#12, RFC 7292): what Windows, Key Vault and App Service hand out.
#pragma once

#include <string_view>

#include "base/error.h"
#include "certstore/pem.h"

namespace certstore {

// Takes a PFX apart, binary or in base64 (as Key Vault's secrets are). `password` may be empty: tried as empty and as
// absent. Files encrypted with RC2 or RC4, as older tools write them, need OpenSSL's legacy provider, which is used if
// it is installed, for this alone. `pfx` may be attacker controlled, of bounded size. Errors: `refused` for a wrong
// password, else `invalid`.
[[nodiscard]] base::Result<PemContents> read_pfx(std::string_view pfx, std::string_view password);

}  // namespace certstore
