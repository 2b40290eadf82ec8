// Mint: certificate authorities, leaves and their files, made while a test runs. No key is ever checked in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/openssl.h"

namespace test {

enum class KeyKind : std::uint8_t { ec_p256, ec_p384, ec_p521, ec_secp256k1, rsa_1024, rsa_2048, rsa_3072, ed25519 };

// A new key; RSA keys are made once a process and kind, for they take long.
[[nodiscard]] base::EvpPkeyPtr make_key(KeyKind kind);

struct LeafOptions {
  std::vector<std::string> names{};  // DNS names, IP addresses; as they are, good or not
  std::string common_name{};         // empty: the first name
  KeyKind key = KeyKind::ec_p256;
  base::SystemTime not_before = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
  base::SystemTime not_after = std::chrono::sys_days(std::chrono::year(2120) / 1 / 1);
  bool subject_alternative_names = true;
  bool key_identifiers = true;  // SKI and AKI
};

// A leaf, its key and the intermediates above it (without the root), nearest first.
struct Minted {
  base::X509Ptr certificate;
  base::EvpPkeyPtr key;
  std::vector<base::X509Ptr> intermediates;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string chain_pem() const;            // leaf, then intermediates
  [[nodiscard]] std::string key_pem() const;              // PKCS#8
  [[nodiscard]] std::string traditional_key_pem() const;  // "EC PRIVATE KEY" or "RSA PRIVATE KEY"
  [[nodiscard]] std::string encrypted_key_pem(const std::string& password) const;
  enum class Encryption : std::uint8_t { modern, legacy };  // legacy: RC2-40 and 3DES
  // Null password: none at all. Empty result if this OpenSSL cannot do it.
  [[nodiscard]] std::string pfx(const char* password, Encryption encryption = Encryption::modern) const;
};

// A root, or an intermediate below one.
class Authority {
 public:
  explicit Authority(const std::string& common_name, bool key_identifiers = true);
  [[nodiscard]] Authority intermediate(const std::string& common_name) const;
  [[nodiscard]] Minted issue(const LeafOptions& options) const;
  // The same key certified again: a renewal that kept the key.
  [[nodiscard]] Minted issue(const LeafOptions& options, const base::EvpPkeyPtr& key) const;
  [[nodiscard]] const X509* certificate() const { return certificate_.get(); }
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string key_pem() const;  // PKCS#8

 private:
  Authority() = default;
  base::X509Ptr certificate_;
  base::EvpPkeyPtr key_;
  std::vector<base::X509Ptr> above_;  // this one and those above it, without the root
  bool key_identifiers_ = true;
};

// A leaf that signed itself.
[[nodiscard]] Minted self_signed(const LeafOptions& options);

[[nodiscard]] std::string to_pem(const X509* certificate);

}  // namespace test
