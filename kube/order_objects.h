// Orders and Challenges of cert-manager's, shown to people while a certificate is got: `kubectl get challenges`,
// `kubectl describe order`. Nothing is decided by them. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "acme/managed_certificate.h"
#include "kube/certificate_object.h"

namespace kube {

// On every object that is shown, so that those that a process left behind are found.
inline constexpr auto shown_label = "sekisho.io/shown";

// Whole objects, with their status. No order: nothing to show.
struct ShownOrder {
  nlohmann::json order;
  std::vector<nlohmann::json> challenges;
  friend bool operator==(const ShownOrder&, const ShownOrder&) = default;
};

// Of a certificate that is being got, or of which the last attempt failed. Without tokens and keys.
[[nodiscard]] ShownOrder shown_order(const CertificateObject& certificate, const acme::ManagedCertificate& managed);

}  // namespace kube
