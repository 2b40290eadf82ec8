// LocalCa: a certificate authority of our own in the state directory, for `sekisho proxy` and development.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"
#include "certstore/signing_authority.h"

namespace certstore {

class LocalCa {
 public:
  // Opens the CA in `folder` (ca.crt, ca.key 0600), or makes it: ECDSA P-256, ten years, CA:TRUE pathlen:0,
  // keyCertSign. A CA that has expired or does not match its key is an error that names the file; it is never silently
  // replaced.
  [[nodiscard]] static base::Result<LocalCa> open(const std::filesystem::path& folder, const base::Clock& clock);

  [[nodiscard]] const std::filesystem::path& certificate_path() const noexcept { return certificate_path_; }
  // A fresh ECDSA P-256 leaf for these names (DNS names, wildcards or IP addresses), good for `lifetime` from now and
  // said to be `age` old: where a certificate has to stand back behind any other, that one is newer. Errors: `invalid`
  // for a name that is neither; the certificate's end is not after the CA's.
  [[nodiscard]] base::Result<CertificatePtr> issue(const std::vector<std::string>& names, std::chrono::hours lifetime,
                                                   std::chrono::hours age = std::chrono::hours(0)) const;

 private:
  LocalCa(std::filesystem::path certificate_path, SigningAuthority authority, const base::Clock& clock)
      : certificate_path_(std::move(certificate_path)), authority_(std::move(authority)), clock_(&clock) {}
  [[nodiscard]] static base::Result<LocalCa> load(const std::filesystem::path& folder, const base::Clock& clock);
  [[nodiscard]] static base::Result<void> make(const std::filesystem::path& folder, const base::Clock& clock);

  std::filesystem::path certificate_path_;
  SigningAuthority authority_;
  const base::Clock* clock_;
};

}  // namespace certstore
