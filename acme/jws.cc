#include "acme/jws.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"

namespace acme {
namespace {

using Algorithm = certstore::PrivateKey::Algorithm;
using BnPtr = std::unique_ptr<BIGNUM, base::Freed<BN_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, base::Freed<EVP_MD_CTX_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, base::Freed<ECDSA_SIG_free>>;

constexpr std::string_view es256 = "ES256";
constexpr std::string_view es384 = "ES384";
constexpr std::string_view rs256 = "RS256";

std::unexpected<base::Error> openssl_failed(std::string_view what) {
  return base::fail(base::Code::internal, std::string(what) + ": " + base::take_openssl_error());
}

std::size_t field_bytes(std::string_view algorithm) {
  return algorithm == es384 ? 48 : 32;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Big-endian, with zeros in front up to `least` bytes.
std::string number_bytes(const BIGNUM* number, std::size_t least) {
  std::string bytes(std::max<std::size_t>(least, static_cast<std::size_t>(BN_num_bytes(number))), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return bytes;
}

// A number of the public key, base64url (RFC 7518 §6.2.1.2, §6.3.1.1).
std::string parameter(const EVP_PKEY* key, const char* name, std::size_t least) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  const BnPtr owned(number);
  return base::to_base64url(number_bytes(number, least));
}

// RFC 7518 §3.4: r and s, each as long as the field, instead of DER.
base::Result<std::string> raw_signature(std::string_view der, std::size_t half) {
  const unsigned char* data = bytes_of(der);
  const EcdsaSigPtr parsed(d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())));
  if (!parsed) return openssl_failed("signing");
  return number_bytes(ECDSA_SIG_get0_r(parsed.get()), half) + number_bytes(ECDSA_SIG_get0_s(parsed.get()), half);
}

nlohmann::json flattened(const std::string& protected_header, const std::string& payload, std::string_view signature) {
  return {{"protected", protected_header}, {"payload", payload}, {"signature", base::to_base64url(signature)}};
}

// Text from outside (a key id, a contact) may not be UTF-8; that is no reason to throw.
std::string encoded(const nlohmann::json& json) {
  return base::to_base64url(base::json_line(json));
}

// CAs print the key with and without padding, in either alphabet.
std::optional<std::string> read_hmac_key(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    plain += c == '+' ? '-' : c == '/' ? '_' : c;
  }
  while (plain.ends_with('=')) plain.pop_back();
  auto key = base::from_base64url(plain);
  certstore::wipe(plain.data(), plain.size());
  return key && !key->empty() ? std::move(key) : std::nullopt;
}

}  // namespace

AccountKey::AccountKey(base::EvpPkeyPtr key, std::string_view algorithm)
    : key_(std::move(key)), algorithm_(algorithm) {}

base::Result<AccountKey> AccountKey::make() {
  auto key = certstore::make_p256_key();
  if (!key) return std::unexpected(std::move(key.error()));
  return AccountKey(*std::move(key), es256);
}

base::Result<AccountKey> AccountKey::from_pem(std::string_view pem) {
  certstore::PemContents contents;
  if (auto read = certstore::read_pem(pem, contents); !read) {
    return std::unexpected(std::move(read.error()).in("account key"));
  }
  if (contents.keys.size() != 1) {
    return base::fail(base::Code::invalid, contents.has_encrypted_key
                                               ? "the account key is encrypted: an unencrypted key is expected"
                                               : "one private key is expected as the account key");
  }
  const auto parsed = certstore::PrivateKey::parse(contents.keys.front().bytes, contents.keys.front().layout);
  if (!parsed) return std::unexpected(base::Error(parsed.error()).in("account key"));
  if (parsed->algorithm() == Algorithm::p521) {
    return base::fail(base::Code::invalid, "the account key is on P-521: P-256, P-384 or RSA is expected");
  }
  base::EvpPkeyPtr key = certstore::decode_private_key(parsed->pkcs8());
  if (!key) return openssl_failed("account key");
  return AccountKey(std::move(key), parsed->algorithm() == Algorithm::rsa    ? rs256
                                    : parsed->algorithm() == Algorithm::p384 ? es384
                                                                             : es256);
}

std::string_view AccountKey::algorithm() const noexcept {
  return algorithm_;
}

nlohmann::json AccountKey::jwk() const {
  if (algorithm_ == rs256) {
    return {{"kty", "RSA"},
            {"n", parameter(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0)},
            {"e", parameter(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0)}};
  }
  const std::size_t size = field_bytes(algorithm_);
  return {{"kty", "EC"},
          {"crv", algorithm_ == es384 ? "P-384" : "P-256"},
          {"x", parameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, size)},
          {"y", parameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size)}};
}

std::string AccountKey::thumbprint() const {
  // RFC 7638 §3: the required members only, sorted, without white space: that is what jwk() and dump() make.
  const std::string text = base::json_line(jwk());
  std::array<char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr);
  return base::to_base64url({digest.data(), size});
}

std::string AccountKey::key_authorization(std::string_view token) const {
  return std::string(token) + '.' + thumbprint();
}

std::string AccountKey::pem() const {
  return certstore::write_pem(PEM_STRING_PKCS8INF, certstore::pkcs8_of(key_.get()));
}

base::Result<std::string> AccountKey::sign(std::string_view input) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  const EVP_MD* digest = algorithm_ == es384 ? EVP_sha384() : EVP_sha256();
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes_of(input),
                     input.size()) != 1) {
    return openssl_failed("signing");
  }
  signature.resize(size);
  if (algorithm_ == rs256) return signature;
  return raw_signature(signature, field_bytes(algorithm_));
}

bool AccountKey::same_as(const AccountKey& other) const {
  return EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
}

base::Result<std::string> sign_jws(const AccountKey& key, const JwsHeader& header, std::string_view payload) {
  nlohmann::json members{{"alg", key.algorithm()}, {"url", header.url}};
  if (!header.nonce.empty()) members["nonce"] = header.nonce;
  // RFC 8555 §6.2: "The "jwk" and "kid" fields are mutually exclusive."
  if (header.kid.empty()) {
    members["jwk"] = key.jwk();
  } else {
    members["kid"] = header.kid;
  }
  const std::string protected_header = encoded(members);
  const std::string body = base::to_base64url(payload);
  const auto signature = key.sign(protected_header + '.' + body);
  if (!signature) return std::unexpected(signature.error());
  return base::json_line(flattened(protected_header, body, *signature));
}

base::Result<nlohmann::json> external_account_binding(const AccountKey& key, std::string_view key_id,
                                                      std::string_view hmac_key, std::string_view new_account_url) {
  auto secret = read_hmac_key(hmac_key);
  if (!secret) {
    return base::fail(base::Code::invalid, "the HMAC key of the external account is not in base64url");
  }
  const certstore::WipedAtEnd wiped(*secret);
  // RFC 8555 §7.3.4: no nonce; "url" is that of the outer JWS.
  const std::string protected_header = encoded({{"alg", "HS256"}, {"kid", key_id}, {"url", new_account_url}});
  const std::string payload = encoded(key.jwk());
  const std::string input = protected_header + '.' + payload;
  std::array<char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), secret->data(), static_cast<int>(secret->size()), bytes_of(input), input.size(),
           reinterpret_cast<unsigned char*>(mac.data()), &size) == nullptr) {
    return openssl_failed("signing the external account binding");
  }
  return flattened(protected_header, payload, {mac.data(), size});
}

}  // namespace acme
