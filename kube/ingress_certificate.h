// The Certificate that cert-manager's annotations on an Ingress ask for: made, kept up to date, and left alone where it
// belongs to somebody else. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include <nlohmann/json.hpp>

#include "kube/certificate_object.h"
#include "kube/wanted_certificate.h"

namespace kube {

// The whole object, owned by the Ingress.
[[nodiscard]] nlohmann::json certificate_for(const WantedCertificate& wanted);

enum class IngressCertificateStep : std::uint8_t { nothing, create, update, not_ours };
// `there`: null if there is none.
[[nodiscard]] IngressCertificateStep step_for(const WantedCertificate& wanted, const CertificateObject* there);
// A merge patch of what differs.
[[nodiscard]] nlohmann::json patch_for(const WantedCertificate& wanted, const CertificateObject& there);
// The Ingress that owns it, whoever made it.
[[nodiscard]] std::optional<ObjectRef> ingress_of(const CertificateObject& certificate);
// Made by a sekisho for an Ingress, as certificate_for() has it.
[[nodiscard]] bool is_made_here(const CertificateObject& certificate);

}  // namespace kube
