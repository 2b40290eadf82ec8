// Writing a PFX (PKCS#12, RFC 7292), for those that take certificates in no other form.
#pragma once

#include <string>

#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/secret_bytes.h"

namespace certstore {

// Leaf, intermediates and key. Encrypted as all that reads PFX can read it (3DES, SHA-1): that is weak, and for files
// that travel beside their password anyway. `password` is not empty. Errors: internal.
[[nodiscard]] base::Result<SecretBytes> write_pfx(const Certificate& certificate, const std::string& password);

}  // namespace certstore
