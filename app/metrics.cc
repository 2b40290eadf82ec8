#include "app/metrics.h"

#include <sstream>

#include <prometheus/text_serializer.h>

#include "base/keep_running.h"

namespace app {

using prometheus::MetricType;

namespace {

void add_process_metrics(MetricFamilies& families, const Observation& seen) {
  Family(families, "sekisho_build_info", "The version that runs; always 1.", MetricType::Gauge)
      .add({{"version", SEKISHO_VERSION}}, 1);
  add_gauge(families, "sekisho_start_time_seconds", "When the process started, in seconds since 1970.",
            std::chrono::duration<double>(seen.started.time_since_epoch()).count());
  add_gauge(families, "sekisho_draining", "1 while connections are being ended before exit.", seen.draining ? 1 : 0);
  add_gauge(families, "sekisho_generation",
            "The newest configuration and certificates that were handed to the workers.",
            seen.snapshot ? static_cast<double>(seen.snapshot->generation) : 0);
  add_counter(families, "sekisho_unexpected_errors_total",
              "Exceptions that the control plane has met and gone on after; always a bug.",
              static_cast<double>(base::escaped_exceptions()));

  Family workers(families, "sekisho_worker_generation", "The generation that a worker serves.", MetricType::Gauge);
  for (std::size_t i = 0; i < seen.workers.size(); ++i) {
    workers.add({{"worker", std::to_string(i)}}, static_cast<double>(seen.workers[i]->generation.load()));
  }
}

void add_change_metrics(MetricFamilies& families, const Observation& seen) {
  {
    Family reloads(families, "sekisho_reloads_total", "Configurations read after the start, by what became of them.",
                   MetricType::Counter);
    reloads.add({{"outcome", "good"}}, static_cast<double>(seen.reloads.good));
    reloads.add({{"outcome", "refused"}}, static_cast<double>(seen.reloads.refused));
  }
  add_gauge(families, "sekisho_reload_last_refused",
            "1 if the last configuration was refused and an older one is served.", seen.reloads.last_refused ? 1 : 0);
  add_counter(families, "sekisho_certificates_accepted_total", "Certificates taken into service.",
              static_cast<double>(seen.certificate_counters.accepted));
  add_counter(families, "sekisho_certificates_refused_total", "Certificates that were not fit to be served.",
              static_cast<double>(seen.certificate_counters.refused));
}

}  // namespace

std::string render_metrics(const Observation& seen) {
  MetricFamilies families;
  add_process_metrics(families, seen);
  add_change_metrics(families, seen);
  add_traffic_metrics(families, seen);
  add_backend_metrics(families, seen);
  add_certificate_metrics(families, seen);
  if (seen.cluster) add_cluster_metrics(families, seen);
  if (!seen.vaults.empty()) add_vault_metrics(families, seen);
  if (seen.cluster || !seen.mirrors.empty()) add_mirror_metrics(families, seen);
  if (!seen.managed.empty()) add_issuing_metrics(families, seen);

  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return std::move(text).str();
}

}  // namespace app
