#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "app/metrics.h"
#include "kube/secret_source.h"

namespace app {
namespace {

using prometheus::MetricType;

constexpr std::size_t most_named_sources = 256;

void add_name(Labels& labels, const std::string& whose, const certstore::DistinguishedName& name) {
  labels.push_back({whose + "_C", name.country});
  labels.push_back({whose + "_ST", name.state});
  labels.push_back({whose + "_L", name.locality});
  labels.push_back({whose + "_O", name.organization});
  labels.push_back({whose + "_OU", name.organizational_unit});
  labels.push_back({whose + "_CN", name.common_name});
}

// Its id is "shop/web-tls".
bool of_secret(const certstore::CertificateStatus& status) {
  return status.source == kube::SecretSource::source_name;
}

// The labels of x509-certificate-exporter; what does not apply is empty, which PromQL treats as absent.
Labels labels_of(const certstore::CertificateStatus& status, const certstore::Facts& facts) {
  const auto slash = status.file_path.rfind('/');
  const auto name = of_secret(status) ? status.id.find('/') : std::string::npos;
  Labels labels{{"filename", slash == std::string::npos ? status.file_path : status.file_path.substr(slash + 1)},
                {"filepath", status.file_path},
                {"secret_namespace", of_secret(status) ? status.id.substr(0, name) : ""},
                {"secret_name", of_secret(status) ? status.id.substr(name + 1) : ""},
                {"secret_key", of_secret(status) ? "tls.crt" : ""},
                {"serial_number", facts.serial_decimal}};
  add_name(labels, "issuer", facts.issuer);
  add_name(labels, "subject", facts.subject);
  return labels;
}

// "files /certs/app.crt" is of the exporter's kind "file"; the rest is its name.
std::pair<std::string, std::string> kind_and_name(const std::string& source) {
  const std::size_t blank = std::min(source.find(' '), source.size());
  std::string kind = source.substr(0, blank);
  if (kind == "files" || kind == "directory") kind = "file";
  return {std::move(kind), source.substr(std::min(blank + 1, source.size()))};
}

void add_source_errors(MetricFamilies& families, const std::vector<certstore::Store::SourceErrors>& sources) {
  using Reasons = std::map<base::Code, std::uint64_t>;
  Family errors(families, "x509_source_errors_total",
                "Certificates that were refused when they were read, by source and reason.", MetricType::Counter);
  const auto add = [&errors](const std::string& kind, const std::string& name, const Reasons& reasons) {
    for (const auto& [reason, count] : reasons) {
      errors.add({{"source_kind", kind}, {"source_name", name}, {"reason", std::string(to_string(reason))}},
                 static_cast<double>(count));
    }
  };
  Reasons others;
  std::size_t named = 0;
  for (const certstore::Store::SourceErrors& source : sources) {
    // Zeroes too, so that the first refusal is an increase.
    Reasons reasons{{base::Code::invalid, 0}, {base::Code::not_found, 0}, {base::Code::io, 0}};
    for (const auto& [reason, count] : source.refused) reasons[reason] += count;
    if (named++ < most_named_sources) {
      const auto [kind, name] = kind_and_name(source.source);
      add(kind, name, reasons);
    } else {
      for (const auto& [reason, count] : reasons) others[reason] += count;
    }
  }
  add("(other)", "(other)", others);
}

}  // namespace

void add_certificate_metrics(MetricFamilies& families, const Observation& seen) {
  struct Sample {
    Labels labels;
    const certstore::Facts* facts;
  };
  std::vector<Sample> samples;
  std::set<std::string> keys;  // the same file configured twice is one series
  for (const certstore::CertificateStatus& status : seen.certificates) {
    // Also what is held and not served: an expired file in the folder is somebody's mistake.
    const certstore::CertificatePtr& held = status.serving ? status.serving : status.certificate;
    if (!held) continue;
    if (!keys.insert((of_secret(status) ? status.id : status.file_path) + '\0' + held->fingerprint()).second) continue;
    samples.push_back({labels_of(status, held->facts()), &held->facts()});
  }
  {
    Family after(families, "x509_cert_not_after", "When the certificate expires, in seconds since 1970.",
                 MetricType::Gauge);
    for (const Sample& sample : samples) after.add(sample.labels, seconds_of(sample.facts->not_after));
  }
  {
    Family before(families, "x509_cert_not_before", "When the certificate becomes valid, in seconds since 1970.",
                  MetricType::Gauge);
    for (const Sample& sample : samples) before.add(sample.labels, seconds_of(sample.facts->not_before));
  }
  {
    Family expired(families, "x509_cert_expired", "1 if the certificate has expired.", MetricType::Gauge);
    for (const Sample& sample : samples) expired.add(sample.labels, sample.facts->not_after <= seen.now ? 1 : 0);
  }
  std::size_t unreadable = 0;
  for (const certstore::CertificateStatus& status : seen.certificates) {
    if (state_of(status, seen.now) == CertificateState::refused) ++unreadable;
  }
  add_gauge(families, "x509_read_errors", "Certificates of which no version could be read.",
            static_cast<double>(unreadable));
  add_source_errors(families, seen.certificate_counters.sources);
}

}  // namespace app
