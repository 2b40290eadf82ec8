// SigningAuthority: a CA certificate with its private key, read from files, and the leaves that it signs.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/openssl.h"
#include "certstore/certificate.h"
#include "certstore/pem.h"
#include "certstore/private_key.h"

namespace certstore {

// Reads the PEM blocks of a file of at most 64 KiB. Errors name the file.
[[nodiscard]] base::Result<PemContents> read_pem_file(const std::filesystem::path& file);
// The first private key of `contents`, or the error without a place.
[[nodiscard]] base::Result<PrivateKey> first_key(const PemContents& contents);
[[nodiscard]] SecretBytes der_of(const X509* certificate);

// Immutable, any thread.
class SigningAuthority {
 public:
  // The certificate that matches the key is the CA; the others of its file stand behind it in every chain. Errors name
  // the file: `invalid` if none matches or it is no CA. Whether it is in its time is asked apart. Blocking.
  [[nodiscard]] static base::Result<SigningAuthority> load(const std::filesystem::path& certificate,
                                                           const std::filesystem::path& key);

  [[nodiscard]] base::SystemTime not_before() const;
  [[nodiscard]] base::SystemTime not_after() const;
  // A leaf for host names, wildcards and addresses, valid from an hour ago (clocks differ) until `lifetime` from now,
  // and not after the CA. Errors: `invalid` for no name, or one that is none.
  [[nodiscard]] base::Result<CertificatePtr> issue(const std::vector<std::string>& names, const PrivateKey& key,
                                                   std::chrono::seconds lifetime, base::SystemTime now) const;

 private:
  SigningAuthority() = default;
  base::X509Ptr certificate_;
  base::EvpPkeyPtr key_;
  std::vector<SecretBytes> chain_;  // DER, the CA first
};

// The same, signed by its own key.
[[nodiscard]] base::Result<CertificatePtr> issue_by_itself(const std::vector<std::string>& names, const PrivateKey& key,
                                                           std::chrono::seconds lifetime, base::SystemTime now);

}  // namespace certstore
