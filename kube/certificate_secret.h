// The Secret of a Certificate: what is written into it, and what is wrong with the one that is there. Pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "certstore/certificate.h"
#include "kube/certificate_object.h"
#include "kube/certificate_plan.h"

namespace kube {

// As cert-manager writes it: type, keys, annotations and labels. `ca_pem`: for ca.crt; empty: without. A Secret that
// is there keeps its type, which the API lets nobody change.
[[nodiscard]] base::Result<nlohmann::json> secret_for(const CertificateObject& certificate,
                                                      const certstore::Certificate& issued, const std::string& ca_pem,
                                                      const std::string& type_there);

// What is in the Secret of a Certificate now.
struct SecretSight {
  certstore::CertificatePtr certificate;  // null: none that could be read
  std::optional<Refusal> violation;       // why it is not what the Certificate asks for; expiry is not looked at
};
// `secret`: null if there is none. Its content is the matter of whoever may write it.
[[nodiscard]] SecretSight look_at_secret(const CertificateObject& certificate, const nlohmann::json& secret);

}  // namespace kube
