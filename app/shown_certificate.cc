#include "app/shown_certificate.h"

#include <algorithm>

#include "base/ascii.h"
#include "certstore/cert_index.h"

namespace app {

certstore::CertificatePtr shown_certificate(const std::string& host, const Observation& seen) {
  if (!seen.snapshot || !seen.snapshot->certificates) return nullptr;
  const certstore::CertIndex& index = *seen.snapshot->certificates;
  const certstore::CertPair* const pair =
      host.starts_with('*') ? index.exact(base::lower_case(host)) : index.find(host);
  if (pair == nullptr) return nullptr;
  const certstore::CertificatePtr& shown = pair->rsa != nullptr ? pair->rsa : pair->ecdsa;
  const bool stands_in = std::ranges::any_of(seen.certificates, [&](const certstore::CertificateStatus& status) {
    return status.serving == shown && is_interim(status);
  });
  return stands_in ? nullptr : shown;
}

}  // namespace app
