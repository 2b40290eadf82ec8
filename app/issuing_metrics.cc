#include <string>
#include <string_view>

#include <fmt/format.h>

#include "app/metrics.h"

namespace app {
namespace {

using prometheus::MetricType;

// cert-manager's labels. In a cluster a certificate is called NAMESPACE/NAME and its issuer Issuer/NAMESPACE/NAME or
// ClusterIssuer/NAME; without Kubernetes neither has a slash, nor are there namespaces and kinds.
Labels labels_of(const acme::ManagedCertificate& managed) {
  const std::string_view name = managed.name;
  const std::string_view issuer = managed.issuer;
  const auto slash = name.find('/');
  const bool in_cluster = slash != std::string_view::npos;
  const auto kind = issuer.substr(0, issuer.find('/'));
  return {{"name", std::string(in_cluster ? name.substr(slash + 1) : name)},
          {"namespace", std::string(in_cluster ? name.substr(0, slash) : "")},
          {"issuer_name", std::string(in_cluster ? issuer.substr(issuer.rfind('/') + 1) : issuer)},
          {"issuer_kind", std::string(in_cluster ? kind : "Issuer")},
          {"issuer_group", "cert-manager.io"}};
}

bool is_ready(const acme::ManagedCertificate& managed, base::SystemTime now) {
  if (managed.state == acme::ManagedCertificate::State::held_elsewhere) return true;
  if (managed.certificates.empty()) return false;
  for (const certstore::CertificatePtr& certificate : managed.certificates) {
    if (certificate->facts().not_after <= now) return false;
  }
  return true;
}

base::SystemTime expiry_of(const acme::ManagedCertificate& managed) {
  base::SystemTime expiry{};  // cert-manager: 0, not absent, when there is none
  for (const certstore::CertificatePtr& certificate : managed.certificates) {
    if (expiry == base::SystemTime{} || certificate->facts().not_after < expiry)
      expiry = certificate->facts().not_after;
  }
  return expiry;
}

base::SystemTime renewal_of(const acme::ManagedCertificate& managed) {
  return managed.certificates.empty() ? base::SystemTime{} : managed.next_action.value_or(base::SystemTime{});
}

void add_ready(MetricFamilies& families, const Observation& seen) {
  Family ready(families, "certmanager_certificate_ready_status", "Whether the certificate is there and good.",
               MetricType::Gauge);
  for (const acme::ManagedCertificate& managed : seen.managed) {
    const bool good = is_ready(managed, seen.now);
    for (const char* const condition : {"True", "False", "Unknown"}) {
      Labels labels = labels_of(managed);
      labels.push_back({"condition", condition});
      ready.add(std::move(labels), std::string(condition) == (good ? "True" : "False") ? 1 : 0);
    }
  }
}

void add_times(MetricFamilies& families, const Observation& seen) {
  {
    Family expiry(families, "certmanager_certificate_expiration_timestamp_seconds",
                  "When the certificate expires, in seconds since 1970; 0: there is none.", MetricType::Gauge);
    for (const auto& managed : seen.managed) expiry.add(labels_of(managed), seconds_of(expiry_of(managed)));
  }
  {
    Family renewal(families, "certmanager_certificate_renewal_timestamp_seconds",
                   "When the certificate is to be renewed, in seconds since 1970; 0: there is none.",
                   MetricType::Gauge);
    for (const auto& managed : seen.managed) renewal.add(labels_of(managed), seconds_of(renewal_of(managed)));
  }
  {
    Family next(families, "sekisho_certificate_next_action_seconds",
                "Seconds until the certificate is renewed or tried again; negative: it is overdue.", MetricType::Gauge);
    for (const auto& managed : seen.managed) {
      if (managed.next_action)
        next.add({{"name", managed.name}}, seconds_of(*managed.next_action) - seconds_of(seen.now));
    }
  }
  Family failures(families, "sekisho_certificate_failures", "Failures since the last success.", MetricType::Gauge);
  for (const auto& managed : seen.managed) failures.add({{"name", managed.name}}, managed.failures);
}

void add_by(MetricFamilies& families, const char* name, const char* help, const char* label,
            const acme::ManagerCounters::By& counts) {
  Family family(families, name, help, MetricType::Counter);
  for (const auto& [value, count] : counts) family.add({{label, value}}, static_cast<double>(count));
}

// "http-01 valid", "newOrder 201": two labels of a fixed list each.
void add_by_two(MetricFamilies& families, const char* name, const char* help, const char* first, const char* second,
                const acme::ManagerCounters::By& counts) {
  Family family(families, name, help, MetricType::Counter);
  for (const auto& [value, count] : counts) {
    const auto blank = value.find(' ');
    family.add({{first, value.substr(0, blank)}, {second, blank == std::string::npos ? "" : value.substr(blank + 1)}},
               static_cast<double>(count));
  }
}

}  // namespace

void add_issuing_metrics(MetricFamilies& families, const Observation& seen) {
  add_ready(families, seen);
  add_times(families, seen);
  const acme::ManagerCounters& counters = seen.issuing;
  add_by(families, "sekisho_acme_orders_total", "Attempts at a certificate, by outcome.", "outcome", counters.orders);
  add_by(families, "sekisho_acme_renewals_total", "Attempts at a renewal, by outcome.", "outcome", counters.renewals);
  add_by(families, "sekisho_acme_failures_total", "Failures by the CA's problem type; none: it was not the CA.",
         "problem", counters.problems);
  add_by_two(families, "sekisho_acme_challenges_total", "Challenges that ended.", "type", "outcome",
             counters.challenges);
  add_by_two(families, "sekisho_acme_requests_total", "Requests to ACME servers, by HTTP status; 0: no answer.",
             "operation", "status", counters.requests);
  add_counter(families, "sekisho_acme_preflight_failures_total",
              "Orders that were not begun because of what the CA would have found.",
              static_cast<double>(counters.preflight_failures));
  add_counter(families, "sekisho_on_demand_asked_total", "Names without a certificate that clients asked for.",
              static_cast<double>(counters.on_demand_asked));
  add_counter(families, "sekisho_on_demand_refused_total", "Those of them that get none.",
              static_cast<double>(counters.on_demand_refused));
}

}  // namespace app
