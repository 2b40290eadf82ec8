#include <chrono>

#include "app/metrics.h"

namespace app {
namespace {

using prometheus::MetricType;

Labels labels_of(const VaultView& view) {
  return {{"source", view.source}};
}

}  // namespace

void add_vault_metrics(MetricFamilies& families, const Observation& seen) {
  {
    Family polls(families, "sekisho_key_vault_polls_total", "Polls that read all that a source follows in a vault.",
                 MetricType::Counter);
    for (const VaultView& view : seen.vaults) polls.add(labels_of(view), static_cast<double>(view.status.polls));
  }
  {
    Family failures(families, "sekisho_key_vault_failures_total",
                    "Polls, and reads of single certificates in them, that failed, by reason.", MetricType::Counter);
    for (const VaultView& view : seen.vaults) {
      for (const auto& [reason, count] : view.status.failures) {
        Labels labels = labels_of(view);
        labels.push_back({"reason", std::string(to_string(reason))});
        failures.add(std::move(labels), static_cast<double>(count));
      }
    }
  }
  {
    Family versions(families, "sekisho_key_vault_versions_total", "Versions of certificates that were read.",
                    MetricType::Counter);
    for (const VaultView& view : seen.vaults) versions.add(labels_of(view), static_cast<double>(view.status.versions));
  }
  {
    Family certificates(families, "sekisho_key_vault_certificates", "Certificates that a source got from a vault.",
                        MetricType::Gauge);
    for (const VaultView& view : seen.vaults) {
      certificates.add(labels_of(view), static_cast<double>(view.status.certificates));
    }
  }
  Family success(families, "sekisho_key_vault_last_success_timestamp_seconds",
                 "When a poll last read everything, in seconds since 1970; 0: not yet.", MetricType::Gauge);
  for (const VaultView& view : seen.vaults) {
    success.add(labels_of(view), view.status.last_success ? seconds_of(*view.status.last_success) : 0);
  }
}

}  // namespace app
