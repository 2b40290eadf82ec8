#include "certstore/certificate.h"

#include <utility>

#include "base/hex.h"
#include "certstore/certificate_builder.h"
#include "certstore/issuer_certificate.h"
#include "certstore/pem.h"
#include "certstore/pfx.h"
#include "certstore/private_key.h"

namespace certstore {
namespace {

bool decode(der::Bytes leaf, der::Bytes key, const std::vector<IssuerPtr>& intermediates,
            Certificate::Material& material) {
  const unsigned char* data = leaf.data();
  material.leaf.reset(d2i_X509(nullptr, &data, static_cast<long>(leaf.size())));
  material.key = decode_private_key(key);
  material.chain = sk_X509_new_null();
  if (!material.leaf || !material.key || material.chain == nullptr) return false;
  for (const IssuerPtr& issuer : intermediates) {
    if (sk_X509_push(material.chain, material.intermediates.emplace_back(issuer->share()).get()) == 0) return false;
  }
  return true;
}

}  // namespace

base::Result<CertificatePtr> Certificate::from_pem(std::string_view chain, std::string_view key) {
  PemContents contents;
  if (auto read = read_pem(chain, contents); !read) return std::unexpected(std::move(read.error()).in("certificate"));
  if (auto read = read_pem(key, contents); !read) return std::unexpected(std::move(read.error()).in("key"));
  return CertificateBuilder::build(contents);
}

base::Result<CertificatePtr> Certificate::from_pfx(std::string_view pfx, std::string_view password) {
  const auto contents = read_pfx(pfx, password);
  if (!contents) return std::unexpected(contents.error());
  return CertificateBuilder::build(*contents);
}

std::string Certificate::fingerprint() const {
  return base::to_hex(facts_.sha256);
}

Certificate::Material::~Material() {
  sk_X509_free(chain);
}

const Certificate::Material* Certificate::material() const {
  std::call_once(decoded_, [this] {
    auto material = std::make_unique<Material>();
    const bool done = decode(leaf_der_, key_der_, intermediates_, *material);
    ERR_clear_error();
    if (done) material_ = std::move(material);
  });
  return material_.get();
}

std::string Certificate::chain_pem() const {
  std::string text = write_pem(PEM_STRING_X509, leaf_der_);
  for (const IssuerPtr& issuer : intermediates_) text += write_pem(PEM_STRING_X509, issuer->der());
  return text;
}

std::string Certificate::key_pem() const {
  return write_pem(PEM_STRING_PKCS8INF, key_der_);
}

Certificate::~Certificate() = default;

}  // namespace certstore
