// The text of /metrics. Label values come from the configuration, from certificates and from fixed lists, never from
// clients. tests/data/metric_names.txt is the list of names that others may rely on.
#pragma once

#include <string>

#include "app/metric_family.h"
#include "app/observation.h"

namespace app {

// Prometheus text format 0.0.4.
[[nodiscard]] std::string render_metrics(const Observation& seen);

// x509_cert_*: the names and labels of x509-certificate-exporter, so that its dashboards and alerts go on working.
void add_certificate_metrics(MetricFamilies& families, const Observation& seen);
void add_issuing_metrics(MetricFamilies& families, const Observation& seen);
// What the workers counted.
void add_traffic_metrics(MetricFamilies& families, const Observation& seen);
// sekisho_kube_*; only with Observation::cluster.
void add_cluster_metrics(MetricFamilies& families, const Observation& seen);
// sekisho_key_vault_*; only with Observation::vaults.
void add_vault_metrics(MetricFamilies& families, const Observation& seen);
// sekisho_mirror_*; only with Observation::cluster or ::mirrors.
void add_mirror_metrics(MetricFamilies& families, const Observation& seen);
void add_backend_metrics(MetricFamilies& families, const Observation& seen);

}  // namespace app
