// Target: one certificate to have, with one kind of key.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "acme/identifier.h"
#include "certstore/certificate.h"
#include "config/issuers.h"

namespace acme {

struct Target {
  std::shared_ptr<const config::IssuedCertificate> wanted;
  config::CertificateKey::Type key_type = config::CertificateKey::Type::ecdsa;
  std::vector<Identifier> identifiers;  // of wanted->hosts

  // "www.example.com.ecdsa": what its records are called in storage, and its lock.
  [[nodiscard]] std::string record() const;
  [[nodiscard]] std::string certificate_key() const { return "certificates/" + record(); }
  [[nodiscard]] std::string journal_key(const std::string& issuer) const;
  [[nodiscard]] std::string failures_key() const { return "failures/" + record() + ".json"; }
};

// One for each kind of key.
[[nodiscard]] std::vector<Target> targets_of(const config::IssuedCertificate& wanted);

// Whoever works on the records of a certificate, with whatever kind of key, has this lock.
[[nodiscard]] std::string lock_of_certificate(const std::string& name);

// Whether a certificate is for all of these names; a wildcard covers its one label.
[[nodiscard]] bool covers(const certstore::Facts& facts, const std::vector<Identifier>& identifiers);

}  // namespace acme
