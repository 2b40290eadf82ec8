// CertificateBuilder: from certificates and keys in any order to a Certificate, or the reason why not.
#pragma once

#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/pem.h"

namespace certstore {

class CertificateBuilder {
 public:
  // The leaf is the certificate that matches a key; of several, the one with the latest not_before. Errors: `invalid`,
  // with a sentence for people that holds no key material.
  [[nodiscard]] static base::Result<CertificatePtr> build(const PemContents& contents);
};

}  // namespace certstore
