// Building prometheus::MetricFamily values: a family at a time, a sample at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "base/clock.h"
#include "proxy/stats.h"

namespace app {

using MetricFamilies = std::vector<prometheus::MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

class Family {
 public:
  // Adds an empty family to `families`, which must not be touched while this one lives.
  Family(MetricFamilies& families, std::string name, std::string help, prometheus::MetricType type);

  // One sample of a counter or gauge, whichever the family is.
  void add(Labels labels, double value);
  // One histogram, summed over `parts` (one for each worker).
  void add(Labels labels, const std::vector<const proxy::LatencyHistogram*>& parts);

 private:
  prometheus::MetricFamily& family_;
};

// Since the epoch, whole seconds: how Prometheus writes a point in time.
[[nodiscard]] double seconds_of(base::SystemTime at);

// In families of their own, with one sample without labels.
void add_counter(MetricFamilies& families, std::string name, std::string help, double value);
void add_gauge(MetricFamilies& families, std::string name, std::string help, double value);

}  // namespace app
