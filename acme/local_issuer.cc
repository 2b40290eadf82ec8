#include "acme/local_issuer.h"

#include <utility>

#include "certstore/pem.h"
#include "certstore/private_key.h"
#include "certstore/signing_authority.h"

namespace acme {
namespace {

base::Result<certstore::PrivateKey> key_from(const std::string& pem) {
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(pem, contents); !read) {
    return std::unexpected(std::move(read.error()).in("the certificate's key"));
  }
  auto key = certstore::first_key(contents);
  if (!key) return std::unexpected(std::move(key.error()).in("the certificate's key"));
  return key;
}

}  // namespace

base::Result<certstore::CertificatePtr> issue_with_ca(const config::CaIssuer& issuer,
                                                      const std::vector<Identifier>& names, const std::string& key_pem,
                                                      const base::Clock& clock) {
  const auto authority = certstore::SigningAuthority::load(issuer.certificate, issuer.key);
  if (!authority) return std::unexpected(authority.error());
  const base::SystemTime now = clock.now();
  if (now >= authority->not_after()) {
    return base::fail(base::Code::invalid, issuer.certificate.string() + ": the CA certificate has expired");
  }
  if (now < authority->not_before()) {
    return base::fail(base::Code::invalid, issuer.certificate.string() + ": the CA certificate is not valid yet");
  }
  const auto key = key_from(key_pem);
  if (!key) return std::unexpected(key.error());
  return authority->issue(values_of(names), *key, issuer.lifetime, now);
}

base::Result<certstore::CertificatePtr> issue_self_signed(const config::SelfSignedIssuer& issuer,
                                                          const std::vector<Identifier>& names,
                                                          const std::string& key_pem, const base::Clock& clock) {
  const auto key = key_from(key_pem);
  if (!key) return std::unexpected(key.error());
  return certstore::issue_by_itself(values_of(names), *key, issuer.lifetime, clock.now());
}

}  // namespace acme
