// JWS: what makes a request to an ACME server ours. RFC 7515 (flattened JSON), RFC 7638 (thumbprint), RFC 8555 §6.2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"
#include "base/openssl.h"

namespace acme {

// The key of an account. Immutable, shared between threads. Its private part leaves it only by pem().
class AccountKey {
 public:
  // ECDSA P-256 (ES256).
  [[nodiscard]] static base::Result<AccountKey> make();
  // PKCS#8 or the older PEM forms; ECDSA P-256 (ES256), P-384 (ES384) or RSA of 2048 bits at least (RS256).
  [[nodiscard]] static base::Result<AccountKey> from_pem(std::string_view pem);

  [[nodiscard]] std::string_view algorithm() const noexcept;  // "ES256", "ES384", "RS256"
  [[nodiscard]] nlohmann::json jwk() const;                   // the public part, RFC 7517
  // RFC 7638, base64url without padding.
  [[nodiscard]] std::string thumbprint() const;
  // RFC 8555 §8.1: token "." thumbprint.
  [[nodiscard]] std::string key_authorization(std::string_view token) const;
  // PKCS#8; only for durable storage, never for a log.
  [[nodiscard]] std::string pem() const;
  // The raw JWS signature (r || s for ECDSA, RFC 7518 §3.4).
  [[nodiscard]] base::Result<std::string> sign(std::string_view input) const;
  [[nodiscard]] bool same_as(const AccountKey& other) const;

 private:
  explicit AccountKey(base::EvpPkeyPtr key, std::string_view algorithm);
  std::shared_ptr<EVP_PKEY> key_;
  std::string_view algorithm_;
};

// The protected header beside "alg": either the key itself (newAccount, revocation by the certificate's key) or the
// account's URL. RFC 8555 §6.2.
struct JwsHeader {
  std::string url;
  std::string nonce;  // empty in the inner JWS of a key change and in external account binding
  std::string kid;    // empty: "jwk" is sent instead
};

// Flattened JSON. An empty payload is POST-as-GET (RFC 8555 §6.3).
[[nodiscard]] base::Result<std::string> sign_jws(const AccountKey& key, const JwsHeader& header,
                                                 std::string_view payload);

// RFC 8555 §7.3.4: the account's public key, signed by the key that the CA gave out of band (base64url, HS256).
[[nodiscard]] base::Result<nlohmann::json> external_account_binding(const AccountKey& key, std::string_view key_id,
                                                                    std::string_view hmac_key,
                                                                    std::string_view new_account_url);

}  // namespace acme
