// Keys of certificates, and the request to certify them. RFC 8555 §7.4, RFC 2986.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acme/identifier.h"
#include "base/error.h"
#include "certstore/secret_bytes.h"
#include "config/issuers.h"

namespace acme {

// A new private key as PKCS#8 PEM: P-256, or RSA of `rsa_bits` (2048, 3072, 4096). RSA takes up to seconds. Blocking.
[[nodiscard]] base::Result<std::string> make_certificate_key(config::CertificateKey::Type type, unsigned rsa_bits);

// DER. Every identifier is a subjectAltName, and there is no common name (RFC 8555 §7.4 asks for one or the other; CAs
// leave it out by now, and RFC 8738 §5 allows none for addresses).
[[nodiscard]] base::Result<std::string> make_csr(std::string_view key_pem, const std::vector<Identifier>& identifiers);

}  // namespace acme
