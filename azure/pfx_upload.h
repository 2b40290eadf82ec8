// UploadedPfx: a certificate with its key as Azure takes it: 3DES and SHA-1, for gateways have refused AES-256 as a
// wrong password, and nothing published says that all of them take it now (docs/adr/0012).
#pragma once

#include <cstddef>

#include "azure/secret_text.h"
#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/secret_bytes.h"

namespace azure {

struct UploadedPfx {
  certstore::SecretBytes bytes;
  SecretText password;  // never empty: some versions of the gateway refuse that
};

// With a password of its own each time, which goes with the file. Errors: `too_large` over `limit`, internal.
[[nodiscard]] base::Result<UploadedPfx> make_upload(const certstore::Certificate& certificate, std::size_t limit);

// Of an Application Gateway v2 (azure-subscription-service-limits).
inline constexpr std::size_t largest_gateway_pfx = 16U << 10U;
inline constexpr std::size_t largest_vault_pfx = 1U << 20U;

}  // namespace azure
