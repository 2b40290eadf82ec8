#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "app/metrics.h"

namespace app {
namespace {

using prometheus::MetricType;

// Of a Secret in the cluster, or of a certificate in Azure.
struct Mirrored {
  Labels labels;
  bool in_step = false;
  base::SystemTime since;
};

constexpr std::size_t most_named = 1000;

// Those that somebody does not want are only counted.
void gather_of_cluster(const Observation& seen, std::vector<Mirrored>& all) {
  using What = kube::MirrorState::What;
  for (const kube::MirrorState& mirror : seen.cluster->mirrors) {
    if (mirror.what == What::refused || all.size() == most_named) continue;
    all.push_back({{{"source_namespace", mirror.source.name_space},
                    {"source_name", mirror.source.name},
                    {"mirror_namespace", mirror.target.name_space},
                    {"mirror_name", mirror.target.name}},
                   mirror.what == What::in_step,
                   mirror.since});
  }
}

void gather_of_azure(const Observation& seen, std::vector<Mirrored>& all) {
  for (const MirrorView& view : seen.mirrors) {
    for (const azure::MirrorState& state : view.states) {
      if (all.size() == 2 * most_named) return;
      all.push_back({{{"mirror", view.where}, {"certificate", state.certificate_name}, {"mirror_name", state.name}},
                     state.what == azure::MirrorState::What::in_step,
                     state.since});
    }
  }
}

void count_of_cluster(MetricFamilies& families, const Observation& seen) {
  using What = kube::MirrorState::What;
  std::map<What, std::size_t> counts;
  for (const kube::MirrorState& mirror : seen.cluster->mirrors) ++counts[mirror.what];
  Family all(families, "sekisho_mirrors", "Mirrors of Secrets that are asked for, by how they do.", MetricType::Gauge);
  all.add({{"state", "in_step"}}, static_cast<double>(counts[What::in_step]));
  all.add({{"state", "behind"}}, static_cast<double>(counts[What::behind]));
  all.add({{"state", "refused"}}, static_cast<double>(counts[What::refused]));
}

}  // namespace

void add_mirror_metrics(MetricFamilies& families, const Observation& seen) {
  std::vector<Mirrored> all;
  if (seen.cluster) gather_of_cluster(seen, all);
  gather_of_azure(seen, all);
  {
    Family lag(families, "sekisho_mirror_lag_seconds", "How long a mirror has not been what its source is; 0: it is.",
               MetricType::Gauge);
    for (const Mirrored& one : all) {
      const bool known = one.since != base::SystemTime{};
      const double age = std::max(0.0, std::chrono::duration<double>(seen.now - one.since).count());
      lag.add(one.labels, one.in_step || !known ? 0 : age);
    }
  }
  {
    Family match(families, "sekisho_mirror_fingerprint_match", "1 if a mirror holds what its source holds.",
                 MetricType::Gauge);
    for (const Mirrored& one : all) match.add(one.labels, one.in_step ? 1 : 0);
  }
  if (seen.cluster) count_of_cluster(families, seen);
}

}  // namespace app
