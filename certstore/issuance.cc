#include "certstore/issuance.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "certstore/general_names.h"

namespace certstore {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, base::Freed<BN_free>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, base::Freed<ASN1_OBJECT_free>>;
using OctetStringPtr = std::unique_ptr<ASN1_OCTET_STRING, base::Freed<ASN1_OCTET_STRING_free>>;
using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, base::Freed<PKCS8_PRIV_KEY_INFO_free>>;

constexpr std::size_t longest_common_name = 64;  // X.520 ub-common-name

std::unexpected<base::Error> failed(const char* what) {
  return base::fail(base::Code::internal, std::string(what) + ": " + base::take_openssl_error());
}

bool set_time(ASN1_TIME* field, base::SystemTime time) {
  return ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time))) !=
         nullptr;
}

// RFC 5280 §4.1.2.2: positive, at most 20 octets; the CA/Browser Forum asks for 64 random bits or more.
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] &= 0x7fU;
  const BnPtr number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_extension(X509* certificate, const X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);  // only reads the issuer
  const base::X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  const GeneralNamesPtr all = general_names(names);
  return all && X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) == 1;
}

base::X509Ptr begin(const std::string& common_name, EVP_PKEY* key, const Period& period) {
  base::X509Ptr made(X509_new());
  if (!made) return nullptr;
  X509* certificate = made.get();
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  const bool named = common_name.empty() || common_name.size() > longest_common_name ||
                     X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8, text,
                                                static_cast<int>(common_name.size()), -1, 0) == 1;
  const bool done = named && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
                    set_time(X509_getm_notBefore(certificate), period.not_before) &&
                    set_time(X509_getm_notAfter(certificate), period.not_after) &&
                    X509_set_pubkey(certificate, key) == 1;
  return done ? std::move(made) : nullptr;
}

bool sign(X509* certificate, const Issuer& issuer) {
  // RFC 5280 §4.2.1.1: the identifier of the issuer's key is copied from it; old CAs have none.
  const bool identified =
      issuer.certificate == certificate || X509_get_ext_by_NID(issuer.certificate, NID_subject_key_identifier, -1) >= 0;
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate)) == 1 &&
         add_extension(certificate, issuer.certificate, NID_subject_key_identifier, "hash") &&
         (!identified ||
          add_extension(certificate, issuer.certificate, NID_authority_key_identifier, "keyid:always")) &&
         X509_sign(certificate, issuer.key, EVP_sha256()) > 0;
}

bool add_critical(X509* certificate, const CriticalExtension& wanted) {
  const ObjectPtr identifier(OBJ_txt2obj(wanted.object_identifier, 1));
  const OctetStringPtr value(ASN1_OCTET_STRING_new());
  if (!identifier || !value ||
      ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>(wanted.der.data()),
                            static_cast<int>(wanted.der.size())) != 1) {
    return false;
  }
  const base::X509ExtensionPtr extension(X509_EXTENSION_create_by_OBJ(nullptr, identifier.get(), 1, value.get()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

}  // namespace

base::Result<base::EvpPkeyPtr> make_p256_key() {
  base::EvpPkeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return failed("making a key");
  return key;
}

SecretBytes pkcs8_of(const EVP_PKEY* key) {
  const Pkcs8Ptr pkcs8(EVP_PKEY2PKCS8(key));
  const int size = pkcs8 ? i2d_PKCS8_PRIV_KEY_INFO(pkcs8.get(), nullptr) : 0;
  if (size <= 0) return {};
  SecretBytes bytes(static_cast<std::size_t>(size));
  unsigned char* out = bytes.data();
  i2d_PKCS8_PRIV_KEY_INFO(pkcs8.get(), &out);
  return bytes;
}

base::Result<base::X509Ptr> make_root(const std::string& common_name, EVP_PKEY* key, const Period& period) {
  base::X509Ptr made = begin(common_name, key, period);
  if (!made || !add_extension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !sign(made.get(), {made.get(), key})) {
    return failed("making a root certificate");
  }
  return made;
}

base::Result<base::X509Ptr> make_leaf(const std::vector<std::string>& names, EVP_PKEY* key, const Period& period,
                                      const Issuer& issuer, const std::vector<CriticalExtension>& critical) {
  base::X509Ptr made = begin(names.empty() ? std::string() : names.front(), key, period);
  if (!made) return failed("making a certificate");
  const Issuer by{issuer.certificate != nullptr ? issuer.certificate : made.get(), issuer.key};
  // RFC 5280 §4.2.1.3: an RSA key may also be asked to decrypt a premaster secret.
  const char* usage = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? "critical,digitalSignature,keyEncipherment"
                                                                : "critical,digitalSignature";
  const bool added = add_extension(made.get(), by.certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                     add_extension(made.get(), by.certificate, NID_key_usage, usage) &&
                     add_extension(made.get(), by.certificate, NID_ext_key_usage, "serverAuth") &&
                     add_names(made.get(), names) &&
                     std::ranges::all_of(critical, [&](const auto& one) { return add_critical(made.get(), one); });
  if (!added || !sign(made.get(), by)) return failed("making a certificate");
  return made;
}

}  // namespace certstore
