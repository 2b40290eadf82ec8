// The status of a Certificate and of an Issuer, in cert-manager's words. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "acme/managed_certificate.h"
#include "base/clock.h"
#include "kube/certificate_object.h"
#include "kube/certificate_plan.h"
#include "kube/certificate_secret.h"
#include "kube/issuer_object.h"

namespace kube {

// All that a Certificate's status follows from.
struct CertificateSight {
  const CertificateObject& certificate;
  const SecretSight& secret;
  const acme::ManagedCertificate* managed = nullptr;  // null: nobody is at it
  const Refusal* refusal = nullptr;                   // why nobody is
  enum class Issued : std::uint8_t { no, just_now } issued = Issued::no;
  base::SystemTime now;
};
[[nodiscard]] nlohmann::json status_of(const CertificateSight& sight);

// What is known of an issuer.
struct IssuerSight {
  const IssuerObject& issuer;
  const Refusal* refusal = nullptr;  // not ready
  std::string account_url;           // ACME; empty: not registered yet
  base::SystemTime now;
};
[[nodiscard]] nlohmann::json status_of(const IssuerSight& sight);

// A merge patch (RFC 7396) that makes `before` what `after` is, or null if it is already.
[[nodiscard]] nlohmann::json status_patch(const nlohmann::json& before, const nlohmann::json& after);

// Somebody asked for a renewal: `cmctl renew` sets Issuing by itself.
[[nodiscard]] bool is_triggered(const nlohmann::json& status);

}  // namespace kube
