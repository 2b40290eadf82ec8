// Issuance: making and signing a certificate of our own (RFC 5280 §4). For the CAs and the challenge certificates of
// this host.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/openssl.h"
#include "certstore/secret_bytes.h"

namespace certstore {

struct Period {
  base::SystemTime not_before;
  base::SystemTime not_after;
};

// A new P-256 key.
[[nodiscard]] base::Result<base::EvpPkeyPtr> make_p256_key();
// PKCS#8.
[[nodiscard]] SecretBytes pkcs8_of(const EVP_PKEY* key);

// A root that may issue leaves and nothing else: CA:TRUE, pathlen:0, keyCertSign. Signed by its own key.
[[nodiscard]] base::Result<base::X509Ptr> make_root(const std::string& common_name, EVP_PKEY* key,
                                                    const Period& period);

struct Issuer {
  const X509* certificate = nullptr;  // null: the certificate signs itself, and `key` is its own
  EVP_PKEY* key = nullptr;
};
struct CriticalExtension {
  const char* object_identifier;  // "1.3.6.1.5.5.7.1.31"
  std::string der;                // the value: what its OCTET STRING holds
};
// A server certificate for DNS names and IP addresses, which the caller has checked.
[[nodiscard]] base::Result<base::X509Ptr> make_leaf(const std::vector<std::string>& names, EVP_PKEY* key,
                                                    const Period& period, const Issuer& issuer,
                                                    const std::vector<CriticalExtension>& critical = {});

}  // namespace certstore
