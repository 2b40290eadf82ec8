// LocalIssuer: issuers beside ACME, that answer at once: self_signed, and ca (a CA certificate and key of the
// operator's).
#pragma once

#include <string>
#include <vector>

#include "acme/identifier.h"
#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"
#include "config/issuers.h"

namespace acme {

// `key_pem`: the private key of the new certificate. Blocking: `ca` reads its files each time, so that a CA that has
// been replaced is used at the next renewal. Errors name the file: `invalid` for a CA certificate that has expired,
// does not match its key or is no CA. The leaf's end is not after the CA's; its chain holds the CA certificate unless
// that is self-signed, and what stands behind it.
[[nodiscard]] base::Result<certstore::CertificatePtr> issue_with_ca(const config::CaIssuer& issuer,
                                                                    const std::vector<Identifier>& names,
                                                                    const std::string& key_pem,
                                                                    const base::Clock& clock);
[[nodiscard]] base::Result<certstore::CertificatePtr> issue_self_signed(const config::SelfSignedIssuer& issuer,
                                                                        const std::vector<Identifier>& names,
                                                                        const std::string& key_pem,
                                                                        const base::Clock& clock);

}  // namespace acme
