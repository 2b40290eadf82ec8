#include "azure/public_certificate.h"

#include <memory>
#include <optional>

#include "base/base64.h"
#include "base/hex.h"
#include "base/openssl.h"
#include "certstore/facts.h"

namespace azure {
namespace {

using Pkcs7Ptr = std::unique_ptr<PKCS7, base::Freed<PKCS7_free>>;

constexpr int most_certificates = 32;

std::string without_space(std::string_view text) {
  std::string dense;
  for (const char c : text) {
    if (c != ' ' && c != '\r' && c != '\n' && c != '\t') dense += c;
  }
  return dense;
}

std::string fingerprint_of(certstore::der::Bytes der) {
  return base::to_hex(certstore::sha256(der));
}

std::optional<std::string> fingerprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return std::nullopt;
  std::string fingerprint = fingerprint_of(certstore::der::Bytes(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return fingerprint;
}

// The certificates of signed data without signers (RFC 2315 §9.1), which is how chains are handed on.
std::vector<std::string> of_pkcs7(certstore::der::Bytes der) {
  std::vector<std::string> found;
  const unsigned char* at = der.data();
  const Pkcs7Ptr envelope(d2i_PKCS7(nullptr, &at, static_cast<long>(der.size())));
  if (!envelope || at != der.data() + der.size() || !PKCS7_type_is_signed(envelope.get())) return found;
  if (envelope->d.sign == nullptr || envelope->d.sign->cert == nullptr) return found;
  STACK_OF(X509)* certificates = envelope->d.sign->cert;
  if (sk_X509_num(certificates) > most_certificates) return found;
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    if (auto fingerprint = fingerprint_of(sk_X509_value(certificates, i))) found.push_back(*std::move(fingerprint));
  }
  return found;
}

}  // namespace

base::Result<std::vector<std::string>> fingerprints_in(std::string_view text) {
  const auto decoded = base::from_base64(without_space(text));
  if (!decoded) return base::fail(base::Code::protocol, "a certificate that is not in base64", base::Origin::upstream);
  const certstore::der::Bytes der(reinterpret_cast<const unsigned char*>(decoded->data()), decoded->size());
  if (certstore::parse_without_key(der)) return std::vector{fingerprint_of(der)};
  auto found = of_pkcs7(der);
  ERR_clear_error();
  if (found.empty()) {
    return base::fail(base::Code::protocol, "neither a certificate nor a PKCS#7 with some in it",
                      base::Origin::upstream);
  }
  return found;
}

}  // namespace azure
