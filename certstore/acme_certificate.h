// The certificate of a tls-alpn-01 challenge. RFC 8737 §3.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"

namespace certstore {

// Self-signed, with a fresh key: `name` (a host name or an address, RFC 8738 §6) as its only subjectAltName, and the
// SHA-256 of the key authorization in the critical acmeIdentifier extension.
[[nodiscard]] base::Result<CertificatePtr> make_acme_certificate(const std::string& name,
                                                                 std::string_view key_authorization,
                                                                 base::SystemTime now);

}  // namespace certstore
