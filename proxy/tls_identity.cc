#include <array>

#include "base/hex.h"
#include "proxy/tls_context.h"

namespace proxy {
namespace {

std::string rfc2253(const X509_NAME* name) {
  const base::BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  const char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

std::shared_ptr<const ClientIdentity> client_identity(SSL* ssl) {
  const base::X509Ptr certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return nullptr;
  auto identity = std::make_shared<ClientIdentity>();
  identity->subject = rfc2253(X509_get_subject_name(certificate.get()));
  identity->issuer = rfc2253(X509_get_issuer_name(certificate.get()));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.get());
  identity->serial_hex =
      base::to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  std::array<unsigned char, 32> digest{};
  X509_digest(certificate.get(), EVP_sha256(), digest.data(), nullptr);
  identity->sha256_hex = base::to_hex(digest);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size > 0) {
    identity->der_base64.resize(static_cast<std::size_t>((size + 2) / 3 * 4) + 1);
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(identity->der_base64.data()), der, size);
    identity->der_base64.pop_back();  // the terminating zero
  }
  OPENSSL_free(der);
  return identity;
}

}  // namespace proxy
