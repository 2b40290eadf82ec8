#include "kube/order_objects.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/identifier.h"
#include "acme/json_fields.h"

namespace kube {
namespace {

using State = acme::ManagedCertificate::State;

constexpr std::size_t longest_name = 200;  // "-REVISION-NUMBER" follows
constexpr std::size_t longest_reason = 1'000;

std::int64_t next_revision(const nlohmann::json& status) {
  const auto* revision = acme::member(status, "revision");
  return (revision != nullptr && revision->is_number_integer() ? revision->get<std::int64_t>() : 0) + 1;
}

// What the CRD's enumeration has; all others count as pending.
std::string state_of(const std::string& status) {
  constexpr const char* known[] = {"valid", "ready", "pending", "processing", "invalid", "expired"};
  return std::ranges::find(known, status) == std::end(known) ? "pending" : status;
}

nlohmann::json metadata_of(const CertificateObject& certificate, std::string name) {
  return {{"name", std::move(name)},
          {"namespace", certificate.metadata.name.name_space},
          {"labels", {{shown_label, "true"}}},
          {"annotations", {{"cert-manager.io/certificate-name", certificate.metadata.name.name}}},
          {"ownerReferences",
           {{{"apiVersion", "cert-manager.io/v1"},
             {"kind", "Certificate"},
             {"name", certificate.metadata.name.name},
             {"uid", certificate.metadata.uid},
             {"controller", true},
             {"blockOwnerDeletion", false}}}}};
}

nlohmann::json issuer_of(const CertificateObject& certificate) {
  return {{"name", certificate.issuer.name}, {"kind", certificate.issuer.kind}, {"group", certificate.issuer.group}};
}

nlohmann::json order_of(const CertificateObject& certificate, const acme::ManagedCertificate& managed,
                        const std::string& name, const std::string& reason) {
  nlohmann::json spec{{"issuerRef", issuer_of(certificate)}, {"request", ""}};
  for (const std::string& host : certificate.hosts()) {
    const bool address = acme::identifier_of(host).type == acme::Identifier::Type::ip;
    spec[address ? "ipAddresses" : "dnsNames"].push_back(host);
  }
  nlohmann::json status{{"state", state_of(managed.order ? managed.order->status : "")}, {"reason", reason}};
  if (managed.order && !managed.order->url.empty()) status["url"] = managed.order->url;
  return {{"apiVersion", "acme.cert-manager.io/v1"},
          {"kind", "Order"},
          {"metadata", metadata_of(certificate, name)},
          {"spec", std::move(spec)},
          {"status", std::move(status)}};
}

nlohmann::json challenge_of(const CertificateObject& certificate, const acme::AuthorizationProgress& one,
                            std::string name, const std::string& reason) {
  const bool by_dns = config::proved_by_dns(one.challenge);
  const std::string state = state_of(one.challenge_status.empty() ? one.status : one.challenge_status);
  return {{"apiVersion", "acme.cert-manager.io/v1"},
          {"kind", "Challenge"},
          {"metadata", metadata_of(certificate, std::move(name))},
          {"spec",
           {{"authorizationURL", ""},
            {"dnsName", one.identifier.base().value},
            {"issuerRef", issuer_of(certificate)},
            {"key", ""},
            {"solver", nlohmann::json::object()},
            {"token", ""},
            {"type", by_dns ? "DNS-01" : "HTTP-01"},
            {"url", ""},
            {"wildcard", one.wildcard}}},
          {"status",
           {{"state", state},
            {"processing", state == "pending" || state == "processing"},
            {"presented", state == "processing"},
            {"reason", one.problem.empty() ? reason : acme::shown(one.problem, longest_reason)}}}};
}

// Before the CA was asked, what is looked at ahead is all that there is to show.
std::vector<acme::AuthorizationProgress> authorizations_of(const CertificateObject& certificate,
                                                           const acme::ManagedCertificate& managed) {
  if (managed.order && !managed.order->authorizations.empty()) return managed.order->authorizations;
  std::vector<acme::AuthorizationProgress> all;
  for (const std::string& host : certificate.hosts()) {
    const acme::Identifier identifier = acme::identifier_of(host);
    all.push_back({.identifier = identifier, .wildcard = identifier.wildcard(), .status = "pending"});
    if (identifier.wildcard()) all.back().challenge = config::ChallengeType::dns01;
  }
  return all;
}

}  // namespace

ShownOrder shown_order(const CertificateObject& certificate, const acme::ManagedCertificate& managed) {
  ShownOrder shown;
  const bool under_way = managed.state == State::ordering && managed.order && !managed.order->url.empty();
  const bool failed = managed.state == State::failed && !managed.problem.empty();
  if (managed.issuer_kind != "acme" || (!under_way && !failed)) return shown;
  const std::string reason = failed          ? acme::shown(managed.problem, longest_reason)
                             : managed.order ? std::string(to_string(managed.order->step))
                                             : "";
  const std::string name =
      fmt::format("{}-{}", certificate.metadata.name.name.substr(0, longest_name), next_revision(certificate.status));
  shown.order = order_of(certificate, managed, name, reason);
  int number = 0;
  for (const acme::AuthorizationProgress& one : authorizations_of(certificate, managed)) {
    if (one.status == "valid") continue;
    shown.challenges.push_back(challenge_of(certificate, one, fmt::format("{}-{}", name, number++), reason));
  }
  return shown;
}

}  // namespace kube
