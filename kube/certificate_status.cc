#include "kube/certificate_status.h"

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/timestamps.h"
#include "kube/conditions.h"

namespace kube {
namespace {

using State = acme::ManagedCertificate::State;

constexpr auto triggered = "ManuallyTriggered";
constexpr std::size_t longest_message = 2'000;

Condition condition(const CertificateSight& sight, const char* type, bool holds, const std::string& reason,
                    const std::string& message) {
  return {type, holds ? "True" : "False", reason, acme::shown(message, longest_message), sight.certificate.generation};
}

Condition ready(const CertificateSight& sight) {
  if (sight.secret.violation) {
    return condition(sight, "Ready", false, sight.secret.violation->reason, sight.secret.violation->message);
  }
  const base::SystemTime end = sight.secret.certificate->facts().not_after;
  if (end <= sight.now) {
    return condition(sight, "Ready", false, "Expired", fmt::format("Certificate expired on {}", base::to_rfc3339(end)));
  }
  return condition(sight, "Ready", true, "Ready", "Certificate is up to date and has not expired");
}

bool is_failing(const CertificateSight& sight) {
  return sight.managed != nullptr && !sight.managed->problem.empty() && sight.managed->state != State::ordering &&
         sight.managed->state != State::issued;
}

// Nothing: no issuance is under way or has failed.
std::optional<Condition> issuing(const CertificateSight& sight, bool is_ready) {
  const auto before = condition_of(sight.certificate.status, "Issuing");
  if (sight.issued == CertificateSight::Issued::just_now) return std::nullopt;
  if (is_failing(sight)) {
    return condition(sight, "Issuing", false, "Failed",
                     "The certificate request has failed to complete and will be retried: " + sight.managed->problem);
  }
  if (before && before->status == "True" && before->reason == triggered && sight.refusal == nullptr) return before;
  if (is_ready && (sight.managed == nullptr || sight.managed->state != State::ordering)) return std::nullopt;
  if (sight.refusal != nullptr) {
    return condition(sight, "Issuing", true, sight.refusal->reason, sight.refusal->message);
  }
  if (sight.secret.violation) {
    return condition(sight, "Issuing", true, sight.secret.violation->reason, sight.secret.violation->message);
  }
  return condition(sight, "Issuing", true, "Renewing", "Renewing certificate as renewal was scheduled");
}

void set_times(const CertificateSight& sight, nlohmann::json& status) {
  if (!sight.secret.certificate) {
    for (const auto* field : {"notBefore", "notAfter", "renewalTime"}) status.erase(field);
    return;
  }
  const certstore::Facts& facts = sight.secret.certificate->facts();
  status["notBefore"] = base::to_rfc3339(facts.not_before);
  status["notAfter"] = base::to_rfc3339(facts.not_after);
  if (sight.managed != nullptr && sight.managed->state == State::issued && sight.managed->next_action) {
    status["renewalTime"] = base::to_rfc3339(*sight.managed->next_action);
  } else if (!status.contains("renewalTime")) {
    status["renewalTime"] = base::to_rfc3339(facts.not_after - (facts.not_after - facts.not_before) / 3);
  }
}

std::int64_t number_in(const nlohmann::json& status, const char* field) {
  const auto* value = acme::member(status, field);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

}  // namespace

nlohmann::json status_of(const CertificateSight& sight) {
  nlohmann::json status = sight.certificate.status;
  const Condition now_ready = ready(sight);
  set_condition(status, now_ready, sight.now);
  if (const auto now_issuing = issuing(sight, now_ready.status == "True")) {
    set_condition(status, *now_issuing, sight.now);
  } else {
    remove_condition(status, "Issuing");
  }
  set_times(sight, status);
  if (sight.issued == CertificateSight::Issued::just_now) {
    status["revision"] = number_in(status, "revision") + 1;
    status.erase("failedIssuanceAttempts");
    status.erase("lastFailureTime");
  } else if (is_failing(sight)) {
    if (sight.managed->failures > 0) status["failedIssuanceAttempts"] = sight.managed->failures;
    if (sight.managed->failed_at) status["lastFailureTime"] = base::to_rfc3339(*sight.managed->failed_at);
  }
  return status;
}

nlohmann::json status_of(const IssuerSight& sight) {
  nlohmann::json status = sight.issuer.status;
  Condition ready{.type = "Ready",
                  .status = "True",
                  .reason = "IsReady",
                  .message = "",
                  .observed_generation = sight.issuer.generation};
  const auto* spec = std::get_if<AcmeIssuerSpec>(&sight.issuer.spec);
  if (sight.refusal != nullptr) {
    ready.status = "False";
    ready.reason = sight.refusal->reason;
    ready.message = acme::shown(sight.refusal->message, longest_message);
  } else if (spec != nullptr && sight.account_url.empty()) {
    return status;  // as it was until the CA has answered
  } else if (spec != nullptr) {
    ready.reason = "ACMEAccountRegistered";
    ready.message = "The ACME account was registered with the ACME server";
    // A hash of the key that a cert-manager left there is of that account alone.
    nlohmann::json& account = status["acme"];
    const std::string* before = acme::text_member(account, "uri");
    if (before == nullptr || *before != sight.account_url) account = {{"uri", sight.account_url}};
    if (!spec->email.empty()) account["lastRegisteredEmail"] = spec->email;
  } else if (std::holds_alternative<CaIssuerSpec>(sight.issuer.spec)) {
    ready.reason = "KeyPairVerified";
    ready.message = "Signing CA verified";
  }
  set_condition(status, ready, sight.now);
  return status;
}

nlohmann::json status_patch(const nlohmann::json& before, const nlohmann::json& after) {
  nlohmann::json patch = nlohmann::json::object();
  for (const auto& [field, value] : after.items()) {
    if (!before.contains(field) || before[field] != value) patch[field] = value;
  }
  for (const auto& [field, value] : before.items()) {
    if (!after.contains(field)) patch[field] = nullptr;
  }
  if (patch.empty()) return nullptr;
  return patch;
}

bool is_triggered(const nlohmann::json& status) {
  const auto issuing = condition_of(status, "Issuing");
  return issuing && issuing->status == "True" && issuing->reason == triggered;
}

}  // namespace kube
