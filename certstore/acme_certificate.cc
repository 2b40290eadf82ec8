#include "certstore/acme_certificate.h"

#include <array>

#include "base/openssl.h"
#include "certstore/certificate_builder.h"
#include "certstore/issuance.h"
#include "certstore/signing_authority.h"

namespace certstore {
namespace {

constexpr const char* acme_identifier = "1.3.6.1.5.5.7.1.31";  // RFC 8737 §6.1: id-pe-acmeIdentifier
constexpr std::chrono::hours clock_skew{24};                   // CAs do not look at the time, others might
constexpr std::chrono::hours lifetime{7 * 24};

}  // namespace

base::Result<CertificatePtr> make_acme_certificate(const std::string& name, std::string_view key_authorization,
                                                   base::SystemTime now) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(key_authorization.data(), key_authorization.size(), digest.data(), nullptr, EVP_sha256(), nullptr) !=
      1) {
    return base::fail(base::Code::internal, "no SHA-256: " + base::take_openssl_error());
  }
  // RFC 8737 §3: "acmeIdentifier ... The extension MUST be critical": Authorization ::= OCTET STRING (SIZE (32)).
  std::string value{"\x04\x20"};
  value.append(digest.begin(), digest.end());
  const auto key = make_p256_key();
  if (!key) return std::unexpected(key.error());
  const auto leaf = make_leaf({name}, key->get(), {now - clock_skew, now + lifetime}, {nullptr, key->get()},
                              {{acme_identifier, std::move(value)}});
  if (!leaf) return std::unexpected(leaf.error());
  PemContents contents;
  contents.certificates.push_back(der_of(leaf->get()));
  contents.keys.push_back({pkcs8_of(key->get()), KeyLayout::pkcs8});
  return CertificateBuilder::build(contents);
}

}  // namespace certstore
