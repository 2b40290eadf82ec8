#include "acme/csr.h"

#include <memory>
#include <utility>

#include "base/openssl.h"
#include "certstore/general_names.h"
#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"

namespace acme {
namespace {

using ReqPtr = std::unique_ptr<X509_REQ, base::Freed<X509_REQ_free>>;

struct FreeExtensions {
  void operator()(STACK_OF(X509_EXTENSION) * stack) const noexcept {
    sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
  }
};
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;

std::unexpected<base::Error> openssl_failed(std::string_view what) {
  return base::fail(base::Code::internal, std::string(what) + ": " + base::take_openssl_error());
}

base::Result<base::EvpPkeyPtr> read_key(std::string_view pem) {
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(pem, contents); !read) return std::unexpected(std::move(read.error()));
  if (contents.keys.size() != 1) return base::fail(base::Code::invalid, "one private key is expected");
  const auto parsed = certstore::PrivateKey::parse(contents.keys.front().bytes, contents.keys.front().layout);
  if (!parsed) return std::unexpected(parsed.error());
  base::EvpPkeyPtr key = certstore::decode_private_key(parsed->pkcs8());
  if (!key) return openssl_failed("reading the key");
  return key;
}

// RFC 2985 §5.4.2: an extensionRequest attribute.
bool ask_for(X509_REQ* request, const std::vector<Identifier>& identifiers) {
  const certstore::GeneralNamesPtr names = certstore::general_names(values_of(identifiers));
  STACK_OF(X509_EXTENSION)* stack = nullptr;
  if (!names || X509V3_add1_i2d(&stack, NID_subject_alt_name, names.get(), 0, 0) != 1) return false;
  const ExtensionsPtr extensions(stack);
  return X509_REQ_add_extensions(request, extensions.get()) == 1;
}

std::string der_of(const X509_REQ* request) {
  const int size = i2d_X509_REQ(request, nullptr);
  if (size <= 0) return {};
  std::string der(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509_REQ(request, &out);
  return der;
}

}  // namespace

base::Result<std::string> make_certificate_key(config::CertificateKey::Type type, unsigned rsa_bits) {
  base::EvpPkeyPtr key;
  if (type == config::CertificateKey::Type::rsa) {
    if (rsa_bits < 2048 || rsa_bits > 4096) {
      return base::fail(base::Code::invalid, "an RSA key of " + std::to_string(rsa_bits) + " bits is not made here");
    }
    key.reset(EVP_RSA_gen(rsa_bits));
  } else {
    key.reset(EVP_EC_gen("P-256"));
  }
  if (!key) return openssl_failed("making a key");
  return certstore::write_pem(PEM_STRING_PKCS8INF, certstore::pkcs8_of(key.get()));
}

base::Result<std::string> make_csr(std::string_view key_pem, const std::vector<Identifier>& identifiers) {
  if (identifiers.empty()) return base::fail(base::Code::invalid, "a certificate request needs a name");
  const auto key = read_key(key_pem);
  if (!key) return std::unexpected(key.error());
  const ReqPtr request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key->get()) != 1 || !ask_for(request.get(), identifiers) ||
      X509_REQ_sign(request.get(), key->get(), EVP_sha256()) <= 0) {
    return openssl_failed("making a certificate request");
  }
  return der_of(request.get());
}

}  // namespace acme
