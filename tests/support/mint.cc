#include "tests/support/mint.h"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "base/ip_network.h"

namespace test {
namespace {

void check(bool good) {
  if (!good) throw std::runtime_error("minting failed: " + base::take_openssl_error());
}

std::string drained(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

base::EvpPkeyPtr make_rsa(unsigned bits) {
  static std::mutex mutex;
  static std::map<unsigned, base::EvpPkeyPtr> made;
  const std::lock_guard lock(mutex);
  base::EvpPkeyPtr& key = made[bits];
  if (!key) key.reset(EVP_RSA_gen(bits));
  check(key != nullptr);
  return base::share(key.get());
}

base::EvpPkeyPtr make_ec(const char* curve) {
  base::EvpPkeyPtr key(EVP_EC_gen(curve));
  check(key != nullptr);
  return key;
}

void set_time(ASN1_TIME* field, base::SystemTime time) {
  check(ASN1_TIME_adj(field,
                      std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::seconds>(time)), 0,
                      0) != nullptr);
}

void add_extension(X509* certificate, const X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
  const base::X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Built by hand: the configuration syntax would stumble over the odd names that tests want.
void add_names(X509* certificate, const std::vector<std::string>& names) {
  GENERAL_NAMES* all = GENERAL_NAMES_new();
  for (const std::string& name : names) {
    GENERAL_NAME* general = GENERAL_NAME_new();
    if (const auto address = base::IpAddress::parse(name)) {
      ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
      const auto& bytes = address->bytes();
      if (address->is_v4()) ASN1_OCTET_STRING_set(octets, bytes.data() + 12, 4);
      if (!address->is_v4()) ASN1_OCTET_STRING_set(octets, bytes.data(), 16);
      GENERAL_NAME_set0_value(general, GEN_IPADD, octets);
    } else {
      ASN1_IA5STRING* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
      GENERAL_NAME_set0_value(general, GEN_DNS, text);
    }
    sk_GENERAL_NAME_push(all, general);
  }
  check(X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, 0) == 1);
  GENERAL_NAMES_free(all);
}

// A certificate with what all have; not signed yet.
base::X509Ptr begin(const std::string& common_name, EVP_PKEY* key, const LeafOptions& options) {
  static std::atomic<long> serial{1'000'000};
  base::X509Ptr certificate(X509_new());
  check(certificate != nullptr);
  X509* x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  set_time(X509_getm_notBefore(x509), options.not_before);
  set_time(X509_getm_notAfter(x509), options.not_after);
  X509_NAME* name = X509_get_subject_name(x509);
  const auto add = [&](const char* field, const std::string& text) {
    check(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()), -1, 0) == 1);
  };
  add("O", "Minted");
  if (!common_name.empty()) add("CN", common_name.substr(0, 64));
  check(X509_set_pubkey(x509, key) == 1);
  return certificate;
}

void finish(X509* certificate, const X509* issuer, EVP_PKEY* issuer_key, bool key_identifiers) {
  check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  if (key_identifiers) {
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  }
  const EVP_MD* digest = EVP_PKEY_is_a(issuer_key, "ED25519") == 1 ? nullptr : EVP_sha256();
  check(X509_sign(certificate, issuer_key, digest) > 0);
}

base::X509Ptr leaf(const LeafOptions& options, EVP_PKEY* key) {
  const std::string common_name =
      options.common_name.empty() && !options.names.empty() ? options.names.front() : options.common_name;
  base::X509Ptr certificate = begin(common_name, key, options);
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), certificate.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  if (options.subject_alternative_names) add_names(certificate.get(), options.names);
  return certificate;
}

base::X509Ptr authority(const std::string& common_name, EVP_PKEY* key) {
  base::X509Ptr certificate = begin(common_name, key, {});
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  return certificate;
}

}  // namespace

base::EvpPkeyPtr make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ec_p256:
      return make_ec("P-256");
    case KeyKind::ec_p384:
      return make_ec("P-384");
    case KeyKind::ec_p521:
      return make_ec("P-521");
    case KeyKind::ec_secp256k1:
      return make_ec("secp256k1");
    case KeyKind::rsa_1024:
      return make_rsa(1024);
    case KeyKind::rsa_2048:
      return make_rsa(2048);
    case KeyKind::rsa_3072:
      return make_rsa(3072);
    case KeyKind::ed25519:
      break;
  }
  base::EvpPkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  check(key != nullptr);
  return key;
}

std::string to_pem(const X509* certificate) {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return drained(bio.get());
}

std::string Minted::certificate_pem() const {
  return to_pem(certificate.get());
}

std::string Minted::chain_pem() const {
  std::string text = certificate_pem();
  for (const auto& intermediate : intermediates) text += to_pem(intermediate.get());
  return text;
}

std::string Minted::key_pem() const {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return drained(bio.get());
}

std::string Minted::traditional_key_pem() const {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey_traditional(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return drained(bio.get());
}

std::string Minted::encrypted_key_pem(const std::string& password) const {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), EVP_aes_256_cbc(), password.data(),
                                      static_cast<int>(password.size()), nullptr, nullptr) == 1);
  return drained(bio.get());
}

std::string Minted::pfx(const char* password, Encryption encryption) const {
  STACK_OF(X509)* others = sk_X509_new_null();
  for (const auto& intermediate : intermediates) sk_X509_push(others, intermediate.get());
  const bool legacy = encryption == Encryption::legacy;
  // Freed in the reverse order: the file, the providers, the library context.
  const std::unique_ptr<OSSL_LIB_CTX, base::Freed<OSSL_LIB_CTX_free>> owned(legacy ? OSSL_LIB_CTX_new() : nullptr);
  OSSL_LIB_CTX* const library = owned.get();
  using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, base::Freed<OSSL_PROVIDER_unload>>;
  const ProviderPtr usual(legacy ? OSSL_PROVIDER_load(library, "default") : nullptr);
  const ProviderPtr old(legacy ? OSSL_PROVIDER_load(library, "legacy") : nullptr);
  const int key_cipher = legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : 0;
  const int certificate_cipher = legacy ? NID_pbe_WithSHA1And40BitRC2_CBC : 0;
  const base::Pkcs12Ptr made(PKCS12_create_ex(password, "minted", key.get(), certificate.get(), others, key_cipher,
                                              certificate_cipher, 2048, 2048, 0, library, nullptr));
  sk_X509_free(others);
  std::string bytes;
  if (made) {
    unsigned char* der = nullptr;
    const int size = i2d_PKCS12(made.get(), &der);
    bytes.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  ERR_clear_error();
  return bytes;
}

Authority::Authority(const std::string& common_name, bool key_identifiers)
    : key_(make_key(KeyKind::ec_p256)), key_identifiers_(key_identifiers) {
  certificate_ = authority(common_name, key_.get());
  finish(certificate_.get(), certificate_.get(), key_.get(), key_identifiers_);
}

Authority Authority::intermediate(const std::string& common_name) const {
  Authority made;
  made.key_ = make_key(KeyKind::ec_p256);
  made.key_identifiers_ = key_identifiers_;
  made.certificate_ = authority(common_name, made.key_.get());
  finish(made.certificate_.get(), certificate_.get(), key_.get(), key_identifiers_);
  made.above_.push_back(base::share(made.certificate_.get()));
  for (const auto& above : above_) made.above_.push_back(base::share(above.get()));
  return made;
}

Minted Authority::issue(const LeafOptions& options) const {
  return issue(options, make_key(options.key));
}

Minted Authority::issue(const LeafOptions& options, const base::EvpPkeyPtr& key) const {
  Minted minted;
  minted.key = base::share(key.get());
  minted.certificate = leaf(options, key.get());
  finish(minted.certificate.get(), certificate_.get(), key_.get(), key_identifiers_ && options.key_identifiers);
  for (const auto& above : above_) minted.intermediates.push_back(base::share(above.get()));
  return minted;
}

std::string Authority::key_pem() const {
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return drained(bio.get());
}

std::string Authority::pem() const {
  return to_pem(certificate_.get());
}

Minted self_signed(const LeafOptions& options) {
  Minted minted;
  minted.key = make_key(options.key);
  minted.certificate = leaf(options, minted.key.get());
  finish(minted.certificate.get(), minted.certificate.get(), minted.key.get(), options.key_identifiers);
  return minted;
}

}  // namespace test
