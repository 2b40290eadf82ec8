// WebhookIdentity: the certificates that the admission webhook shows the API server, as one Secret keeps them for all
// replicas. Each signs itself and is all that the API server is told to believe (caBundle), so that no key exists that
// could sign anything else. A new one is believed before it is shown, and an old one for as long as it may still be
// shown. Pure but for making keys.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "certstore/certificate.h"
#include "kube/resource.h"

namespace kube {

class WebhookIdentity {
 public:
  // What is in the Secret; what cannot be read there is as if it were missing. Null: there is no Secret.
  static WebhookIdentity read(const nlohmann::json& secret);

  // Takes the next step, if one is due: whether something is to be written. `names`: what the API server asks for.
  // `believed`: the bundle that it has been told. Errors: no key could be made.
  struct Moment {
    std::vector<std::string> names;
    std::string believed;
    std::chrono::seconds lifetime;
    base::SystemTime now;
  };
  [[nodiscard]] base::Result<bool> advance(const Moment& moment);

  // What is to be shown now; null before the first step.
  [[nodiscard]] const certstore::CertificatePtr& shown() const noexcept { return current_; }
  // PEM, of all that is shown by some replica now or will be next.
  [[nodiscard]] std::string bundle() const;
  // The Secret, with the resourceVersion that was read.
  [[nodiscard]] nlohmann::json secret(const ObjectName& name) const;

 private:
  std::string resource_version_;
  certstore::CertificatePtr current_;
  certstore::CertificatePtr next_;
  std::string previous_pem_;
};

// The names by which the webhooks of a ValidatingWebhookConfiguration are asked, each once.
[[nodiscard]] std::vector<std::string> webhook_names(const nlohmann::json& configuration);
// The bundle that all of them have; empty where they differ, or have none. PEM.
[[nodiscard]] std::string believed_bundle(const nlohmann::json& configuration);
// Tells all of them to believe this one.
void set_bundle(nlohmann::json& configuration, const std::string& bundle);

}  // namespace kube
