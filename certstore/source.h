// Source: where certificates come from. Implemented by certstore/file_source (files and directories), later by acme,
// kube and azure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "certstore/certificate.h"

namespace certstore {

// One thing that a source holds: a certificate, or why there is none.
struct Candidate {
  std::string id;  // stable within the source: "files:app.crt", "directory:/mnt/secrets-store/tls.crt"
  base::Result<CertificatePtr> certificate;
  // For x509_cert_* metrics; unused ones stay empty.
  std::string file_path;
  bool is_default = false;
};

// Everything the source holds now. A candidate that is missing from a later report is gone on purpose (file deleted)
// and the Store lets go of it. A source that cannot read reports its candidates as failed instead, and the Store keeps
// their last good certificates.
using Report = std::function<void(std::vector<Candidate>)>;

class Source {
 public:
  virtual ~Source() = default;
  // For status: "files app.crt", "directory /mnt/secrets-store".
  [[nodiscard]] virtual std::string name() const = 0;
  // Reads everything once, calls `report` before it returns, and from then on whenever something changed, from a thread
  // of its own, one call at a time. Called once. Blocking.
  virtual void start(Report report) = 0;
};

}  // namespace certstore
