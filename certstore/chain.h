// The order of a chain, restored from what the certificates say of each other.
#pragma once

#include <vector>

#include "base/error.h"
#include "certstore/issuer_certificate.h"

namespace certstore {

struct Chain {
  std::vector<IssuerPtr> intermediates;  // from the leaf's issuer upwards, without the root
  bool complete = false;                 // false: the leaf alone, though someone else issued it
};

// `others` are the rest of the bundle in any order; those that do not belong to the leaf's chain are left out. A
// certificate is the issuer of another if the names agree and the key identifiers do (RFC 5280 §4.2.1.1); where an
// identifier is missing, or more than one certificate would fit, the signature decides. Errors: `invalid` if the leaf
// was issued by someone who is absent while other certificates are there.
[[nodiscard]] base::Result<Chain> restore_chain(const X509* leaf, der::Bytes leaf_bytes,
                                                const std::vector<IssuerPtr>& others);

}  // namespace certstore
