// PrivateKey: a private key read without OpenSSL's generic decoder, which takes 30 times as long (docs/adr/0003).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "base/openssl.h"
#include "certstore/der.h"
#include "certstore/secret_bytes.h"

namespace certstore {

// How the DER in a PEM block is laid out, by the label of the block.
enum class KeyLayout : std::uint8_t { pkcs8, sec1, pkcs1 };

class PrivateKey {
 public:
  enum class Algorithm : std::uint8_t { rsa, p256, p384, p521 };

  // RSA of 2048 to 16384 bits, or EC on P-256, P-384 or P-521; anything else is `invalid` with the reason. The public
  // half is derived from the private one (EC) or proven to belong to it (RSA): what the file says about it is not
  // believed.
  [[nodiscard]] static base::Result<PrivateKey> parse(der::Bytes bytes, KeyLayout layout);

  [[nodiscard]] Algorithm algorithm() const noexcept { return algorithm_; }
  // PKCS#8 (RFC 5208), EC keys with their public point.
  [[nodiscard]] const SecretBytes& pkcs8() const noexcept { return pkcs8_; }
  // Whether the certificate's subjectPublicKeyInfo is the public half of this key.
  [[nodiscard]] bool matches(const X509* certificate) const;

 private:
  static base::Result<PrivateKey> parse_rsa(der::Bytes rsa_private_key);
  static base::Result<PrivateKey> parse_ec(der::Bytes ec_private_key, der::Bytes curve_oid);

  Algorithm algorithm_ = Algorithm::p256;
  SecretBytes pkcs8_;
  SecretBytes public_bits_;  // as in the BIT STRING of subjectPublicKeyInfo: uncompressed point, or RSAPublicKey
};

// The key as OpenSSL wants it, from PrivateKey::pkcs8(). About 50 µs for EC. Null only when memory ran out.
[[nodiscard]] base::EvpPkeyPtr decode_private_key(der::Bytes pkcs8);

}  // namespace certstore
