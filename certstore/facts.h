// Reading out of a decoded certificate what Facts holds.
#pragma once

#include "base/openssl.h"
#include "certstore/certificate.h"
#include "certstore/der.h"

namespace certstore {

// A certificate whose public key was left as bytes: ten times faster to make than a full one, enough to read names,
// dates and key bytes from, not fit for verification or TLS. Null with what is no certificate. docs/adr/0003.
[[nodiscard]] base::X509Ptr parse_without_key(der::Bytes bytes);

// All but `chain_complete` and `key_type`.
[[nodiscard]] Facts read_facts(const X509* certificate, der::Bytes bytes);

[[nodiscard]] std::array<std::uint8_t, 32> sha256(der::Bytes bytes);

}  // namespace certstore
