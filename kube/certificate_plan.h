// From an Issuer and a Certificate of the cluster to what acme::Manager takes. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/issuers.h"
#include "kube/certificate_object.h"
#include "kube/issuer_object.h"

namespace kube {

// Why an object cannot be worked with, as a condition says it.
struct Refusal {
  std::string reason;   // of a fixed set
  std::string message;  // with what to do; never a secret
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// What an issuer's Secrets and bundles hold, each as a file; empty: it needs none.
struct IssuerMaterials {
  std::filesystem::path ca_certificates;  // spec.acme.caBundle
  std::filesystem::path account_key;
  std::filesystem::path hmac_key;                                // of the external account
  std::map<SecretKeyRef, std::filesystem::path> solver_secrets;  // of the rfc2136 and azureDNS solvers
  std::filesystem::path ca_certificate;                          // spec.ca
  std::filesystem::path ca_key;
  friend bool operator==(const IssuerMaterials&, const IssuerMaterials&) = default;
};

// What holds for all issuers.
struct IssuingRules {
  std::string cluster_namespace;         // where the Secrets of ClusterIssuers are
  std::vector<std::string> nameservers;  // "IP:port"; empty: the system's
  config::Preflight preflight = config::Preflight::enforce;
  std::uint16_t http_port = 80;  // others only with a test CA
  std::uint16_t tls_port = 443;
};

// Where the Secrets that an issuer names are.
[[nodiscard]] std::string secrets_namespace(const IssuerObject& issuer, const IssuingRules& rules);

// "Issuer/shop/letsencrypt", "ClusterIssuer/letsencrypt"; of a reference, `name_space` is that of the Certificate.
[[nodiscard]] std::string issuer_key(const IssuerObject& issuer);
[[nodiscard]] std::string issuer_key(const IssuerRef& issuer, const std::string& name_space);

// What keeps an issuer from ever being ready, as far as its spec tells.
[[nodiscard]] std::expected<void, Refusal> check_issuer(const IssuerObject& issuer);

// The account and its server, without a solver.
[[nodiscard]] config::AcmeIssuer plan_account(const IssuerObject& issuer, const AcmeIssuerSpec& acme,
                                              const IssuerMaterials& materials, const IssuingRules& rules);

struct CertificatePlan {
  config::IssuedCertificate wanted;  // its name is "NAMESPACE/NAME" of the Certificate
  config::Issuer issuer;             // under the name that `wanted` has for it
  friend bool operator==(const CertificatePlan&, const CertificatePlan&) = default;
};
[[nodiscard]] std::expected<CertificatePlan, Refusal> plan_certificate(const CertificateObject& certificate,
                                                                       const IssuerObject& issuer,
                                                                       const IssuerMaterials& materials,
                                                                       const IssuingRules& rules);

}  // namespace kube
