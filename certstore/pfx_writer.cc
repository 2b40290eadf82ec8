#include "certstore/pfx_writer.h"

#include "base/openssl.h"

namespace certstore {
namespace {

constexpr int encryption = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
constexpr int iterations = 2048;

}  // namespace

base::Result<SecretBytes> write_pfx(const Certificate& certificate, const std::string& password) {
  const auto fault = [] { return base::fail(base::Code::internal, "PFX: " + base::take_openssl_error()); };
  const Certificate::Material* const material = certificate.material();
  if (material == nullptr) return base::fail(base::Code::internal, "PFX: no memory");
  // Without a MAC first: by itself it would come with a digest that older readers do not know.
  const base::Pkcs12Ptr pfx(PKCS12_create(password.c_str(), nullptr, material->key.get(), material->leaf.get(),
                                          material->chain, encryption, encryption, iterations, -1, 0));
  if (!pfx || PKCS12_set_mac(pfx.get(), password.c_str(), -1, nullptr, 0, iterations, EVP_sha1()) != 1) return fault();
  unsigned char* der = nullptr;
  const int size = i2d_PKCS12(pfx.get(), &der);
  if (size <= 0) return fault();
  SecretBytes bytes(der, der + size);
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return bytes;
}

}  // namespace certstore
