#include "app/self_made_certificate.h"

#include <chrono>
#include <utility>

#include "certstore/issuance.h"
#include "certstore/private_key.h"
#include "certstore/signing_authority.h"

namespace app {
namespace {

// RFC 6761 §6.4: a name that never is anybody's.
constexpr auto own_name = "default.sekisho.invalid";
// So old that any other certificate that is a default is newer, and so is preferred.
constexpr auto age = std::chrono::days(365);
constexpr auto lifetime = std::chrono::days(365 * 11);

base::Result<certstore::CertificatePtr> make(base::SystemTime now) {
  const auto fresh = certstore::make_p256_key();
  if (!fresh) return std::unexpected(fresh.error());
  const certstore::SecretBytes bytes = certstore::pkcs8_of(fresh->get());
  const auto key = certstore::PrivateKey::parse(bytes, certstore::KeyLayout::pkcs8);
  if (!key) return std::unexpected(key.error());
  return certstore::issue_by_itself({own_name}, *key, lifetime, now - age);
}

}  // namespace

void SelfMadeCertificate::start(certstore::Report report) {
  report({{.id = own_name, .certificate = make(clock_.now()), .file_path = {}, .is_default = true}});
}

}  // namespace app
