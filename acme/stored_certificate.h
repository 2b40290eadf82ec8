// StoredCertificate: an issued certificate as it lies in storage, with what has to be known for its renewal.
#pragma once

#include <optional>
#include <string>

#include "acme/renewal.h"
#include "acme/storage.h"
#include "base/error.h"
#include "certstore/certificate.h"

namespace acme {

struct StoredCertificate {
  certstore::CertificatePtr certificate;
  std::string issuer;     // the name it had in the configuration
  std::string authority;  // the directory's URL, "ca" or "self_signed"; empty: not known, then any will do
  double jitter = 0;      // in [0, 1), for plan_renewal()
  std::optional<KnownWindow> window;
};

// Two records: KEY.pem with the chain and the private key, for any tool that reads PEM, and KEY.json with the rest,
// which is believed only for the certificate whose fingerprint it names.
class CertificateShelf {
 public:
  explicit CertificateShelf(Storage& storage) : storage_(storage) {}

  // Nothing: there is none. Errors: io, and what is wrong with the certificate.
  [[nodiscard]] base::Result<std::optional<StoredCertificate>> read(const std::string& key) const;
  [[nodiscard]] base::Result<void> write(const std::string& key, const StoredCertificate& stored);
  [[nodiscard]] base::Result<void> write_window(const std::string& key, const StoredCertificate& stored);
  [[nodiscard]] base::Result<void> remove(const std::string& key);

 private:
  Storage& storage_;
};

}  // namespace acme
