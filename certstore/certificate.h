// Certificate: a chain and the private key that is known to match it. Immutable, shared between threads.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/openssl.h"
#include "certstore/secret_bytes.h"

namespace certstore {

class IssuerCertificate;

enum class KeyType : std::uint8_t { rsa, ecdsa };

// The subject or issuer of a certificate, by the parts that x509-certificate-exporter reports. Empty: not there.
struct DistinguishedName {
  std::string country, state, locality, organization, organizational_unit, common_name;
};

// What people and metrics want to know of the leaf.
struct Facts {
  std::vector<std::string> dns_names;  // lower case A-labels, as in the SAN (CN only where there is no SAN at all)
  std::vector<std::string> ip_addresses;
  std::vector<std::string> dropped_names;  // of the SAN, because they are no host names; for people, the first few
  DistinguishedName subject;
  DistinguishedName issuer;
  std::string serial_hex;      // upper case, no separators
  std::string serial_decimal;  // as x509-certificate-exporter prints it
  base::SystemTime not_before;
  base::SystemTime not_after;
  std::array<std::uint8_t, 32> sha256;  // of the leaf's DER
  KeyType key_type = KeyType::ecdsa;
  bool chain_complete =
      false;  // ends in a self-signed certificate or in one whose issuer is not in the bundle by design
};

class Certificate {
 public:
  // What a source hands in. PEM: any number of blocks in any order, key in the same text or apart. Both may be attacker
  // controlled in content, not in size (the source bounds it, 1 MiB).
  [[nodiscard]] static base::Result<std::shared_ptr<const Certificate>> from_pem(std::string_view chain,
                                                                                 std::string_view key);
  // PKCS#12. `password` may be empty (tried as empty and as absent).
  [[nodiscard]] static base::Result<std::shared_ptr<const Certificate>> from_pfx(std::string_view pfx,
                                                                                 std::string_view password);

  [[nodiscard]] const Facts& facts() const noexcept { return facts_; }
  // Lower-case hexadecimal SHA-256 of the leaf's DER.
  [[nodiscard]] std::string fingerprint() const;

  // The decoded forms for OpenSSL. Decoded at the first call (tens of microseconds), then kept; no I/O. Any thread.
  struct Material {
    base::X509Ptr leaf;
    base::EvpPkeyPtr key;
    std::vector<base::X509Ptr> intermediates;  // in order, without the root
    STACK_OF(X509) * chain = nullptr;          // borrowed from `intermediates`, for SSL_use_cert_and_key
    ~Material();
    Material() = default;
    Material(const Material&) = delete;
    Material& operator=(const Material&) = delete;
  };
  // Null only when memory ran out while decoding.
  [[nodiscard]] const Material* material() const;

  // Leaf first, then the intermediates, as PEM.
  [[nodiscard]] std::string chain_pem() const;
  // The private key as PKCS#8 PEM. For durable copies and mirrors only; never for a log.
  [[nodiscard]] std::string key_pem() const;

  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate();

 private:
  Certificate() = default;
  friend class CertificateBuilder;

  Facts facts_;
  std::vector<std::uint8_t> leaf_der_;
  std::vector<std::shared_ptr<const IssuerCertificate>> intermediates_;  // in order, without the root
  SecretBytes key_der_;                                                  // PKCS#8; wiped at the end
  mutable std::once_flag decoded_;
  mutable std::unique_ptr<Material> material_;
};

using CertificatePtr = std::shared_ptr<const Certificate>;

}  // namespace certstore
